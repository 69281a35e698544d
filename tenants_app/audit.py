"""Which rows of this room leave a trace of who changed them, and which columns never appear in it."""

from __future__ import annotations

from auditlog.registry import auditlog

from tenants_app.models import APIKey, Installation, Membership, Tenant, User, Variable


def register() -> None:
    auditlog.register(User, exclude_fields=["password", "last_login"])
    auditlog.register(Tenant, exclude_fields=["cancel_before"])
    auditlog.register(Installation)
    auditlog.register(Membership)
    auditlog.register(APIKey, exclude_fields=["key_hash", "last_used_at"])
    auditlog.register(Variable, exclude_fields=["value", "encrypted", "updated_at"])
