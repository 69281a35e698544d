"""Who may decide an approval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runs_app.models import Approval
from tenants_app.access import person
from tenants_app.models import User
from tenants_app.roles import Role, may

VERB = "approve"
ROLES = tuple(role.value for role in Role if may(role, VERB))
"""The roles that may decide at all, from the smallest up."""


@dataclass(frozen=True)
class Decider:
    """A person or a program. `identity` tells two of them apart: of those who approve, each counts once."""

    identity: str
    name: str
    role: str | None
    email: str = ""
    user: User | None = None

    @classmethod
    def of(cls, request: Any) -> Decider:
        """Whoever sent this request, in the role they have in its tenant."""
        role: str | None = getattr(request, "role", None)
        user = person(request)
        if user is not None:
            return cls(f"user:{user.pk}", user.email or user.get_username(), role, user.email.lower(), user)
        key = getattr(request, "api_key", None)
        return cls(f"key:{getattr(key, 'pk', '')}", str(request.user), role)


def refusal(approval: Approval, decider: Decider) -> str:
    """Why this one may not decide it; empty when they may."""
    if not may(decider.role, VERB):
        return f"Your role {decider.role} does not allow to decide approvals."
    if approval.approvers and not any(_is_meant(entry, decider) for entry in approval.approvers):
        return f"Only {' or '.join(approval.approvers)} may decide this approval."
    return ""


def has_spoken(approval: Approval, decider: Decider) -> bool:
    return any(decision["identity"] == decider.identity for decision in approval.decisions)


def understood(entries: Iterable[str]) -> list[str]:
    """E-mails and roles as they are compared. Raises ValueError naming the one that is neither."""
    found = [entry.strip().lower().removeprefix("role:") for entry in entries]
    for entry in found:
        if "@" not in entry and entry not in ROLES:
            raise ValueError(f"{entry!r} is neither an e-mail nor one of the roles {', '.join(ROLES)}")
    return list(dict.fromkeys(found))


def _is_meant(entry: str, decider: Decider) -> bool:
    """A role means those who have it or a higher one, as everywhere."""
    if "@" in entry:
        return entry == decider.email
    return decider.role in ROLES and entry in ROLES and ROLES.index(decider.role) >= ROLES.index(entry)
