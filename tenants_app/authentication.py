"""How a request shows who it is: an API key, the token of a running step, or a signed-in session."""

from __future__ import annotations

import ipaddress
from typing import Any, NoReturn

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from highway_automation.base.clock import now
from highway_automation.base.errors import Forbidden
from tenants_app import keys, tokens
from tenants_app.access import Access, Program, access_of, wanted_tenant
from tenants_app.actions import mark_used
from tenants_app.models import APIKey, Tenant
from tenants_app.roles import Role
from tenants_app.throttling import FailedLogins


class APIKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer hw_k1_…` or `X-API-Key: hw_k1_…`; `Bearer hw_v1_…` is a running step's viewer token."""

    def authenticate(self, request: Request) -> tuple[Any, Access] | None:
        text = sent_key(request)
        if text is None:
            return None
        user, access = self.from_token(text) if text.startswith(tokens.BEGINNING) else self.from_key(text, request)
        if access is None:
            self.refuse(request)
        access = within(access, wanted_tenant(request._request))
        access.put_on(request._request)
        return user, access

    def from_key(self, text: str, request: Request) -> tuple[Program, Access | None]:
        row, moment = find_key(text), now()
        address = request.META.get("REMOTE_ADDR", "")
        if row is None or row.status_at(moment) != "active" or not within_networks(address, row.allowed_ips):
            return Program(""), None
        mark_used(row, moment)
        return Program(f"API key {row.name}"), Access(row.tenant, row.role, api_key=row)

    def from_token(self, text: str) -> tuple[Program, Access | None]:
        viewer = tokens.verify(text)
        tenant = Tenant.objects.filter(pk=viewer.tenant_id).first() if viewer else None
        if viewer is None or tenant is None:
            return Program(""), None
        return Program(f"run {viewer.run_id}"), Access(tenant, Role.VIEWER, run_id=viewer.run_id)

    def refuse(self, request: Request) -> NoReturn:
        FailedLogins().note(request)
        raise AuthenticationFailed("This API key is unknown, expired or revoked.")

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def find_key(text: str) -> APIKey | None:
    """The row of this key, found by its beginning and compared in constant time; None when there is none."""
    rows = APIKey.objects.all_tenants().select_related("tenant")
    row = rows.filter(prefix=keys.prefix_of(text).replace("\x00", "")).first()
    return row if keys.fits(text, row.key_hash if row else "") else None


def within_networks(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(network, strict=False) for network in networks)


def sent_key(request: Request) -> str | None:
    """The key in the headers; None when no key was sent. Another scheme than Bearer is not ours to judge."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return request.headers.get("X-API-Key") or None


def within(access: Access, wanted: str | None) -> Access:
    """A key opens its own tenant only; naming another is refused rather than overlooked."""
    if wanted is None or (access.tenant is not None and access.tenant.pk == wanted):
        return access
    return Access(None, None, access.api_key, refusal=Forbidden(f"You are not a member of a tenant {wanted!r}."))


class TenantSessionAuthentication(SessionAuthentication):
    """A signed-in person, protected from CSRF; their tenant is named by `X-Tenant` or `?tenant=`, else the only one."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        access = access_of(user, wanted_tenant(request._request))
        access.put_on(request._request)
        return user, access
