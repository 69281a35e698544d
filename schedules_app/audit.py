"""Which rows of this room leave a trace of who changed them; what the scheduler writes does not count as a change."""

from __future__ import annotations

from auditlog.registry import auditlog

from schedules_app.models import ScheduledWorkflow

BY_THE_SCHEDULER = ["next_run_at", "last_run_at", "previous_slot", "last_error", "execution_count", "updated_at"]


def register() -> None:
    auditlog.register(ScheduledWorkflow, exclude_fields=BY_THE_SCHEDULER)
