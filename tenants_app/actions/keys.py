from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from highway_automation.base.clock import now
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, FieldError, Invalid
from tenants_app.actions.checks import validated
from tenants_app.actions.people import known_role
from tenants_app.keys import hash_of, new_key, prefix_of
from tenants_app.models import APIKey, Tenant, User
from tenants_app.roles import Role
from tenants_app.signals import api_key_created

USE_NOTED_EVERY = timedelta(minutes=1)
LONGEST_GRACE_HOURS = 168


def create_api_key(
    tenant: Tenant,
    name: str,
    role: str = Role.VIEWER,
    *,
    actor: User | None = None,
    expires_at: datetime | None = None,
    description: str = "",
    permissions: Sequence[str] = (),
    allowed_ips: Sequence[str] = (),
) -> tuple[APIKey, str]:
    """The row and the key itself, which nobody can show again. Says so by `api_key_created`. Raises Invalid."""
    key = new_key()
    row = APIKey(
        tenant=tenant,
        name=name,
        description=description,
        role=known_role(role),
        prefix=prefix_of(key),
        key_hash=hash_of(key),
        permissions=list(permissions),
        allowed_ips=known_networks(allowed_ips),
        created_by=actor,
        expires_at=expires_at,
    )
    validated(row)
    if expires_at is not None and expires_at <= now():
        raise Invalid("The key would never be valid.", errors=[FieldError("expires_at", "This time has passed.")])
    with atomic():
        row.save(force_insert=True)
        api_key_created.send(APIKey, api_key=row, actor=actor)
    return row, key


def known_networks(networks: object) -> list[str]:
    """The list, if every part is an address or a network. Raises Invalid."""
    if not isinstance(networks, list | tuple):
        raise Invalid("Not a list.", errors=[FieldError("allowed_ips", "Give a list of addresses or networks.")])
    for network in networks:
        try:
            ipaddress.ip_network(str(network), strict=False)
        except ValueError:
            message = f"{network!r} is neither an IP address nor a network."
            raise Invalid(message, errors=[FieldError("allowed_ips", message)]) from None
    return list(networks)


def revoke_api_key(api_key: APIKey) -> APIKey:
    """From now on the key opens nothing. Raises Conflict when it is revoked already."""
    moment = now()
    if (
        not APIKey.objects.for_tenant(api_key.tenant_id)
        .filter(pk=api_key.pk, revoked_at=None)
        .update(revoked_at=moment)
    ):
        raise Conflict("This API key is already inactive.")
    api_key.revoked_at = moment
    return api_key


def rotate_api_key(api_key: APIKey, *, grace_hours: int = 24, actor: User | None = None) -> tuple[APIKey, str]:
    """A new key with the old one's rights; the old one ends after the grace period (0-168 hours).

    Raises Conflict when the old key is no longer active, Invalid for another period.
    """
    if not 0 <= grace_hours <= LONGEST_GRACE_HOURS:
        message = f"Between 0 and {LONGEST_GRACE_HOURS} hours."
        raise Invalid(message, errors=[FieldError("grace_period_hours", message)])
    with atomic():
        old = lock_rows(APIKey.objects.for_tenant(api_key.tenant_id).filter(pk=api_key.pk)).get()
        moment = now()
        if old.status_at(moment) != "active":
            raise Conflict("This API key is already inactive.")
        new, key = create_api_key(
            old.tenant,
            old.name,
            old.role,
            actor=actor,
            expires_at=old.expires_at,
            description=old.description,
            permissions=old.permissions,
            allowed_ips=old.allowed_ips,
        )
        end = moment + timedelta(hours=grace_hours)
        api_key.expires_at = old.expires_at = min(end, old.expires_at or end)
        old.save(update_fields=["expires_at"])
    return new, key


def mark_used(api_key: APIKey, moment: datetime) -> None:
    """Note the use, at most once a minute: a busy key must not cost a write per request."""
    if api_key.last_used_at is None or moment - api_key.last_used_at >= USE_NOTED_EVERY:
        APIKey.objects.for_tenant(api_key.tenant_id).filter(pk=api_key.pk).update(last_used_at=moment)
        api_key.last_used_at = moment
