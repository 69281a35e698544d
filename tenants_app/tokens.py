"""A token with which a running step reads its own tenant's API: viewer, and only while that step runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core import signing

from highway_automation.base.clock import lease_now

BEGINNING = "hw_v1_"
SALT = "tenants_app.tokens.viewer"
LONGEST_SECONDS = 86_400.0

# Says whether this step of this run of this tenant is running now; the room that runs steps registers it.
Validator = Callable[[str, UUID, str], bool]
_validators: list[Validator] = []


@dataclass(frozen=True)
class Viewer:
    tenant_id: str
    run_id: UUID
    step_key: str


def register_validator(validator: Validator) -> None:
    """Every registered validator must agree before a token is valid; without one no token is."""
    if validator not in _validators:
        _validators.append(validator)


def issue(tenant_id: str, run_id: UUID | str, step_key: str, ttl: float | None = None) -> str:
    """A token for one step; `ttl` in seconds, at most (and by default) a day."""
    ends = lease_now().timestamp() + min(ttl or LONGEST_SECONDS, LONGEST_SECONDS)
    return BEGINNING + signing.dumps([tenant_id, str(UUID(str(run_id))), step_key, ends], salt=SALT)


def verify(token: str) -> Viewer | None:
    """Whom the token speaks for; None when it is forged, over time, or its step no longer runs."""
    try:
        tenant_id, run_id, step_key, ends = signing.loads(token.removeprefix(BEGINNING), salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    viewer = Viewer(tenant_id, UUID(run_id), step_key)
    in_time = lease_now() < datetime.fromtimestamp(ends, lease_now().tzinfo)
    return viewer if in_time and running(viewer) else None


def running(viewer: Viewer) -> bool:
    return bool(_validators) and all(ask(viewer.tenant_id, viewer.run_id, viewer.step_key) for ask in _validators)
