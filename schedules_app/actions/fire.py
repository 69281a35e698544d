"""Turning due times into runs. Any number of schedulers do this at once: a row is decided by whoever locks it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import InterfaceError, OperationalError

from highway_automation.base import clock, safe_json
from highway_automation.base.db import atomic, lock_rows, savepoint
from highway_automation.base.errors import HighwayError
from schedules_app import timing
from schedules_app.actions import pause
from schedules_app.actions.submit import open_run, submit
from schedules_app.cron import CronError
from schedules_app.models import Outcome, Overlap, ScheduledWorkflow, ScheduleTick

BATCH = 100
MOST_BATCHES = 10
CONNECTION_ERRORS = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


def fire_due() -> datetime | None:
    """Decide everything that is due, in batches of one transaction each; when the next time comes (None: never).

    A bad row costs only itself: its tick is a ledger row that says why. Raises only what a lost database raises.
    """
    at = clock.now()
    schedules = ScheduledWorkflow.objects.all_tenants()
    for schedule in schedules.resuming(at)[:BATCH]:
        pause.resume_by_itself(schedule, at)
    if schedules.unplanned().exists():
        plan_rows_written_by_sql()
    following = next_due()
    for _ in range(MOST_BATCHES):
        if following is None or following > at or not fire_batch():  # none: another scheduler holds the rest
            break
        following = next_due()
    return following


def next_due() -> datetime | None:
    """When the next time of any schedule comes; it lies in the past while some are still to be decided."""
    return ScheduledWorkflow.objects.all_tenants().waiting().values_list("next_run_at", flat=True).first()


def fire_batch() -> int:
    """Decide up to a batch of due schedules that no other scheduler holds; how many it were."""
    with atomic():
        at = clock.now()
        rows = ScheduledWorkflow.objects.all_tenants().due(at).select_related("tenant", "template", "definition")
        schedules = list(lock_rows(rows[:BATCH], skip_locked=True))
        for schedule in schedules:
            fire(schedule, at)
    return len(schedules)


def fire(schedule: ScheduledWorkflow, at: datetime) -> None:
    try:
        with savepoint():
            decide(schedule, at)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        if not isinstance(error, CronError):
            log.exception("Schedule %s could not be decided.", schedule.pk)
        give_up(schedule, at, error)


def decide(schedule: ScheduledWorkflow, at: datetime) -> None:
    """Write the ledger of all due times, the runs they start and the schedule's next time."""
    due = timing.due(schedule, at)
    before = schedule.previous_slot
    for slot in due.slots:
        tick = ScheduleTick(times=slot.times, **identity(schedule, slot.at, at))
        tick.outcome, tick.reason = Outcome.MISSED, slot.reason
        if slot.runs:
            run_or_say_why_not(tick, schedule, slot, before or timing.interval_start(schedule, slot.at), at)
        ledger(tick)
        before = slot.at if slot.times == 1 else None
    schedule.previous_slot, schedule.next_run_at = before, due.following
    advance(schedule, at)


def run_or_say_why_not(
    tick: ScheduleTick, schedule: ScheduledWorkflow, slot: timing.Slot, start: datetime, at: datetime
) -> None:
    if reason := refusal(schedule):
        tick.outcome, tick.reason = reason
        return
    try:
        with savepoint():
            run, _created = submit(schedule, slot.at, start)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        tick.outcome, tick.reason = Outcome.FAILED_TO_SUBMIT, told(error)
        schedule.last_error = tick.reason
        return
    tick.outcome, tick.workflow_run_id = Outcome.SUBMITTED, run.pk
    tick.reason = " ".join(filter(None, [slot.reason, timing.note_of(schedule.spec, slot.at)]))
    schedule.last_run_at, schedule.last_error = at, ""
    schedule.execution_count += 1
    if schedule.remaining_runs is not None:
        schedule.remaining_runs -= 1


def refusal(schedule: ScheduledWorkflow) -> tuple[Outcome, str] | None:
    """Why nothing may start at this time, if so."""
    if not schedule.tenant.enabled:
        return Outcome.MISSED, "The tenant is stopped."
    if schedule.remaining_runs == 0:
        return Outcome.MISSED, "All its runs are used up."
    if schedule.overlap == Overlap.SKIP and (run_id := open_run(schedule)):
        return Outcome.SKIPPED_OVERLAP, f"Run {run_id} is still open."
    return None


def give_up(schedule: ScheduledWorkflow, at: datetime, error: Exception) -> None:
    """The tick of a schedule that cannot be decided is a ledger row with the reason; the schedule goes on behind it."""
    schedule.refresh_from_db()
    tick = ScheduleTick(outcome=Outcome.FAILED_TO_SUBMIT, **identity(schedule, schedule.next_run_at or at, at))
    tick.reason = schedule.last_error = told(error)
    ledger(tick)
    schedule.previous_slot = None
    try:
        schedule.next_run_at = timing.first_slot(schedule, at)
    except Exception as broken:  # an expression that cannot be read has no next time: pause instead of trying for ever
        schedule.next_run_at, schedule.pause_note = None, told(broken)
    advance(schedule, at)


def told(error: Exception) -> str:
    text = error.lines() if isinstance(error, HighwayError) else str(error) or type(error).__name__
    return str(safe_json.clean(text))[:2000]


def identity(schedule: ScheduledWorkflow, slot: datetime, at: datetime) -> dict[str, object]:
    return {
        "tenant_id": schedule.tenant_id,
        "schedule": schedule,
        "schedule_name": schedule.name,
        "scheduled_for": slot,
        "lateness": max((at - slot).total_seconds(), 0.0),
        "created_at": at,
    }


def ledger(tick: ScheduleTick) -> None:
    """A time that is in the ledger already stays as it was decided."""
    ScheduleTick.objects.for_tenant(tick.tenant_id).bulk_create([tick], ignore_conflicts=True)


def advance(schedule: ScheduledWorkflow, at: datetime) -> None:
    """Store where the schedule stands; one without a next time or without runs left has ended and is paused."""
    if schedule.remaining_runs == 0:
        schedule.next_run_at = None
    if schedule.next_run_at is None:
        schedule.enabled = False
        schedule.pause_note = schedule.pause_note or "Ended: no time or no run is left."
    columns = (
        *("next_run_at", "previous_slot", "last_run_at", "last_error", "execution_count"),
        *("remaining_runs", "enabled", "pause_note"),
    )
    rows = ScheduledWorkflow.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.pk)
    rows.update(updated_at=at, **{column: getattr(schedule, column) for column in columns})


def plan_rows_written_by_sql() -> None:
    """Give enabled rows that nobody planned their first time after now; one that cannot be read is paused."""
    with atomic():
        at = clock.now()
        rows = ScheduledWorkflow.objects.all_tenants().unplanned()[:BATCH]
        for schedule in lock_rows(rows, skip_locked=True):
            try:
                schedule.next_run_at = timing.first_slot(schedule, at)
            except CronError as error:
                schedule.pause_note = schedule.last_error = told(error)
            advance(schedule, at)
