from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from highway_automation.base import clock
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from schedules_app import timing
from schedules_app.actions.ledger import drop_waiting
from schedules_app.cron import CronError
from schedules_app.models import FailureStreak, ScheduledWorkflow
from schedules_app.queries import skipped_after

PAUSED = "The schedule was paused while this time waited."


def pause_schedule(schedule: ScheduledWorkflow, *, note: str = "", until: datetime | None = None) -> ScheduledWorkflow:
    """From now on no time of it is decided; pausing a paused one only changes its note and end.

    Raises Invalid when `until` has passed.
    """
    if until is not None and until <= clock.now():
        raise Invalid("The pause would be over.", errors=[FieldError("pause_until", "This time has passed.")])
    with atomic():
        row = locked(schedule)
        row.enabled, row.next_run_at, row.pause_note, row.pause_until = False, None, note, until
        save(row, "enabled", "next_run_at", "pause_note", "pause_until")
        drop_waiting(row, PAUSED)
    return row


def pause_if_free(schedule: ScheduledWorkflow, note: str) -> None:
    """Pause it unless somebody holds its row. For those who hold a run: waiting here could be waiting in a circle."""
    rows = ScheduledWorkflow.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.pk, enabled=True)
    row = lock_rows(rows, skip_locked=True).first()
    if row is not None:
        row.enabled, row.next_run_at, row.pause_note, row.pause_until = False, None, note, None
        save(row, "enabled", "next_run_at", "pause_note", "pause_until")
        drop_waiting(row, PAUSED)


def resume_schedule(schedule: ScheduledWorkflow) -> ScheduledWorkflow:
    """Go on with the first time after now: what came in between is neither run nor missed. One that is not paused stays
    as it is.

    Raises Conflict when no time is left (its end has passed, its runs are used up).
    """
    with atomic():
        row = locked(schedule)
        if not row.enabled:
            plan_from_now(row)
            if row.next_run_at is None:
                raise Conflict(f"'{row.name}' has no time left; change its end or its remaining runs first.")
            row.enabled, row.pause_note, row.pause_until = True, "", None
            save(row, "enabled", "next_run_at", "previous_slot", "pause_note", "pause_until")
            forget_failures(row.tenant_id, row.pk)
    return row


def resume_by_itself(schedule: ScheduledWorkflow, at: datetime) -> None:
    """The end of a pause that had one; where no time is left, the pause stays and says so."""
    try:
        resume_schedule(schedule)
    except (Conflict, CronError) as error:
        rows = ScheduledWorkflow.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.pk)
        rows.update(pause_until=None, pause_note=str(error), updated_at=at)


def decided_after(row: ScheduledWorkflow, at: datetime) -> Collection[datetime]:
    """The times of a schedule after `at` that stand in its ledger already, since somebody skipped them."""
    return () if row._state.adding else skipped_after(row, at)


def plan_from_now(
    row: ScheduledWorkflow, decided: Callable[[ScheduledWorkflow, datetime], Collection[datetime]] = decided_after
) -> None:
    """Set the next time to the first one after this moment that nobody skipped; None when there is none left.

    Raises CronError.
    """
    at = clock.now()
    row.previous_slot, row.next_run_at = None, None
    if row.remaining_runs == 0:
        return
    skipped = decided(row, at)
    slot = next((tick.at for tick in timing.upcoming(row, at) if tick.at not in skipped), None)
    row.next_run_at = slot and slot + timing.delay(row)


def forget_failures(tenant_id: str, *schedule_ids: UUID) -> None:
    """Their failures are counted from nothing again; when an owner was last told stays."""
    streaks = FailureStreak.objects.for_tenant(tenant_id).filter(schedule_id__in=schedule_ids, in_a_row__gt=0)
    streaks.update(in_a_row=0, failing_since=None)


def locked(schedule: ScheduledWorkflow) -> ScheduledWorkflow:
    """The row as it stands, held until the transaction ends. Raises NotFound when it is gone."""
    rows = ScheduledWorkflow.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.pk)
    row = lock_rows(rows.select_related("tenant", "template")).first()
    if row is None:
        raise NotFound(f"There is no schedule {schedule.pk}.")
    return row


def save(row: ScheduledWorkflow, *columns: str) -> None:
    row.updated_at = clock.now()
    row.save(update_fields=[*columns, "updated_at"])
