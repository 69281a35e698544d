"""Everything that writes this room's rows."""

from __future__ import annotations

from triggers_app.actions.deliver import retry_delivery, retry_failed
from triggers_app.actions.dispatch import dispatch_events
from triggers_app.actions.events import Causation, emit_event, record_event
from triggers_app.actions.importing import TriggerImporter
from triggers_app.actions.retention import purge_deliveries, purge_events
from triggers_app.actions.sweep import sweep
from triggers_app.actions.triggers import (
    create_trigger,
    delete_trigger,
    pause_trigger,
    resume_trigger,
    update_trigger,
)

__all__ = [
    "Causation",
    "TriggerImporter",
    "create_trigger",
    "delete_trigger",
    "dispatch_events",
    "emit_event",
    "pause_trigger",
    "purge_deliveries",
    "purge_events",
    "record_event",
    "resume_trigger",
    "retry_delivery",
    "retry_failed",
    "sweep",
    "update_trigger",
]
