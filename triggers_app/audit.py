"""Which rows of this room leave a trace of who changed them."""

from __future__ import annotations

from auditlog.registry import auditlog

from triggers_app.models import EventTrigger


def register() -> None:
    auditlog.register(EventTrigger, exclude_fields=["updated_at"])
