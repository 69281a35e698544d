"""What the ledger tells beside its own pages."""

from __future__ import annotations

from datetime import datetime

from schedules_app.models import LIVE, ScheduledWorkflow, ScheduleTick


def skipped_after(schedule: ScheduledWorkflow, at: datetime) -> set[datetime]:
    """The times to come that somebody left out already."""
    rows = ScheduleTick.objects.for_tenant(schedule.tenant_id).filter(schedule_id=schedule.pk, backfill_id=LIVE)
    return set(rows.filter(scheduled_for__gt=at).values_list("scheduled_for", flat=True))
