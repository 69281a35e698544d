"""Rows of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from highway_automation.base import safe_json
from highway_automation.base.errors import HighwayError
from schedules_app import timing
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick
from tenants_app.models import User


def identity(schedule: ScheduledWorkflow, slot: datetime, at: datetime) -> dict[str, object]:
    return {
        "tenant_id": schedule.tenant_id,
        "schedule": schedule,
        "schedule_name": schedule.name,
        "scheduled_for": slot,
        "lateness": lateness(schedule, slot, at),
        "created_at": at,
    }


def lateness(schedule: ScheduledWorkflow, slot: datetime, at: datetime) -> float:
    return max((at - slot - timing.delay(schedule)).total_seconds(), 0.0)


def ledger(tick: ScheduleTick) -> None:
    """A time that is in the ledger already stays as it was decided."""
    ScheduleTick.objects.for_tenant(tick.tenant_id).bulk_create([tick], ignore_conflicts=True)


def drop_waiting(schedule: ScheduledWorkflow, reason: str) -> None:
    """The times that wait for an open run are given up."""
    drop_all_waiting(schedule.tenant_id, [schedule.pk], reason)


def drop_all_waiting(tenant_id: str, schedule_ids: Sequence[UUID], reason: str) -> None:
    rows = ScheduleTick.objects.for_tenant(tenant_id).filter(schedule_id__in=schedule_ids, outcome=Outcome.BUFFERED)
    rows.update(outcome=Outcome.MISSED, reason=reason)


def told(error: Exception) -> str:
    text = error.lines() if isinstance(error, HighwayError) else str(error) or type(error).__name__
    return str(safe_json.clean(text))[:2000]


def by(actor: User | None) -> str:
    """Who did it, for a reason."""
    return f"by {actor.get_username() if actor else 'an API key or a command'}"
