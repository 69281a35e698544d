"""What a member may do: one table, role × verb. Doors name a verb; nothing asks for a role by itself."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import TextChoices


class Role(TextChoices):
    """Each role may do what the one before it may, and more."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    EDITOR = "editor", "Editor"
    ADMIN = "admin", "Admin"


VERBS: dict[str, str] = {
    "view": "read everything the tenant owns, secret values excepted",
    "run": "start runs: templates, definitions, schedules by hand, replays",
    "operate": "pause, resume, skip, cancel and retry what exists",
    "emit": "send events",
    "approve": "decide approvals",
    "edit": "create, change and delete definitions, templates, schedules, triggers, plain variables and mail texts; "
    "stop everything",
    "admin": "manage members, API keys and secrets",
}

_OPERATOR = frozenset({"view", "run", "operate", "emit", "approve"})

ROLE_VERBS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset({"view"}),
    Role.OPERATOR: _OPERATOR,
    Role.EDITOR: _OPERATOR | {"edit"},
    Role.ADMIN: _OPERATOR | {"edit", "admin"},
}


def may(role: str | None, verb: str) -> bool:
    """Whether this role may do this verb; nobody (None) may do nothing.

    Raises:
        ValueError: the verb is not in the table.
    """
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is not a verb; known are {', '.join(VERBS)}.")
    return role is not None and verb in ROLE_VERBS[Role(role)]


# Highway's keys list permissions such as `view_workflows` or `cancel_workflows`; their first word names the verb.
PERMISSION_WORDS = {
    **dict.fromkeys(("view", "read", "list"), "view"),
    **dict.fromkeys(("submit", "run", "execute", "replay"), "run"),
    **dict.fromkeys(("cancel", "retry", "pause", "resume", "signal", "update", "operate"), "operate"),
    **dict.fromkeys(("emit", "send"), "emit"),
    **dict.fromkeys(("approve", "reject"), "approve"),
    **dict.fromkeys(("create", "edit", "delete", "write"), "edit"),
    **dict.fromkeys(("admin", "manage"), "admin"),
}


def role_for(permissions: Iterable[str]) -> Role:
    """The smallest role that may do all of these Highway permissions; viewer for none.

    Raises:
        KeyError: one of them is unknown.
    """
    verbs = {PERMISSION_WORDS[permission.split("_")[0].lower()] for permission in permissions}
    return next(role for role in Role if verbs <= ROLE_VERBS[role])
