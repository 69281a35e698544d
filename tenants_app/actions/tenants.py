from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import FieldError, Invalid
from tenants_app.actions.checks import conflict, validated
from tenants_app.actions.stopping import installation
from tenants_app.actions.variables import set_variable
from tenants_app.grants import HARMLESS_TOOLS
from tenants_app.models import Tenant, Variable
from tenants_app.signals import tenant_created

API_VARIABLE, UPTIME_VARIABLE = "API_URL", "UPTIME_URL"


def create_tenant(
    tenant_id: str, name: str = "", *, api_url: str | None = None, tools: Sequence[str] | None = None
) -> Tenant:
    """A tenant that may use `tools` (default: those that touch nothing but mail, HTTP, time, approvals and runs).

    `api_url` is where its workflows reach this product: it becomes the variables API_URL and UPTIME_URL, and its
    host:port joins `http_allow`. Raises Conflict when the id is taken, Invalid when it or the URL can't be one.
    """
    granted = HARMLESS_TOOLS if tools is None else tools
    # A text would fall apart into letters; validation refuses it as it is.
    allowed: Any = granted if isinstance(granted, str) else list(granted)
    tenant = Tenant(tenant_id=tenant_id, name=name, allowed_tools=allowed)
    validated(tenant, unique=False)
    with atomic():
        tenant.enabled = installation(lock=True).stopped_at is None
        with conflict(f"There already is a tenant {tenant.tenant_id!r}."):
            tenant.save(force_insert=True)
        if api_url:
            seed_api_url(tenant, api_url)
        tenant_created.send(Tenant, tenant=tenant)
    return tenant


def seed_api_url(tenant: Tenant, api_url: str) -> None:
    """Point the tenant's API_URL at this product and let its workflows call exactly that address.

    UPTIME_URL follows as long as it is the product's own; what somebody chose, or deleted, stays so.
    The address of the former API_URL is no longer allowed: something else may listen there now. Raises Invalid.
    """
    with atomic():
        row = lock_rows(Tenant.objects.filter(pk=tenant.pk)).get()
        former = Variable.objects.for_tenant(tenant).filter(name=API_VARIABLE, secret=False).first()
        gone = address_of(former.value) if former and usable(former.value) else None
        row.http_allow = [*(known for known in row.http_allow if known != gone), address_of(api_url)]
        row.save(update_fields=["http_allow"])
        tenant.http_allow = row.http_allow
        watched = Variable.objects.for_tenant(tenant).filter(name=UPTIME_VARIABLE).first()
        if (watched and watched.value) == (former and former.value):
            set_variable(tenant, UPTIME_VARIABLE, api_url.rstrip("/"))
        set_variable(tenant, API_VARIABLE, api_url.rstrip("/"))


def usable(url: str) -> bool:
    """Whether a variable that anybody may edit still names an address."""
    try:
        return bool(address_of(url))
    except Invalid:
        return False


def address_of(url: str) -> str:
    """host:port of an http(s) URL, as `http_allow` writes it (IPv6 in brackets). Raises Invalid for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise Invalid(f"{url!r} is not an http or https URL.", errors=[FieldError("api_url", "Not a URL.")]) from None
    if not parts.hostname:
        raise Invalid(f"{url!r} names no host.", errors=[FieldError("api_url", "Names no host.")])
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}"


def update_tenant(tenant: Tenant, *, fields: Sequence[str] = ("name", "allowed_tools", "http_allow")) -> Tenant:
    """Save what was changed on the object. Raises Invalid."""
    validated(tenant)
    tenant.save(update_fields=list(fields))
    return tenant
