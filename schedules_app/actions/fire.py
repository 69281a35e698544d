"""Turning due times into runs. Any number of schedulers do this at once: a row is decided by whoever locks it."""

from __future__ import annotations

import logging
from datetime import datetime

from highway_automation.base import clock
from highway_automation.base.db import atomic, lock_rows, savepoint
from schedules_app import timing
from schedules_app.actions import failures, overlap, pause
from schedules_app.actions.failures import Failure
from schedules_app.actions.ledger import identity, ledger, told
from schedules_app.actions.start import CONNECTION_ERRORS, start
from schedules_app.actions.waiting import start_waiting
from schedules_app.cron import CronError
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick

BATCH = 100
MOST_BATCHES = 10
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
    start_waiting()
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
        failed = {schedule: fire(schedule, at) for schedule in schedules}
        for schedule in sorted(schedules, key=lambda schedule: schedule.pk):
            failures.count(schedule, failed[schedule])  # after all of them: its locks come after those of runs
    return len(schedules)


def fire(schedule: ScheduledWorkflow, at: datetime) -> list[Failure]:
    """Decide what is due; what could not be started."""
    try:
        with savepoint():
            return decide(schedule, at)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        if not isinstance(error, CronError):
            log.exception("Schedule %s could not be decided.", schedule.pk)
        return [give_up(schedule, at, error)]


def decide(schedule: ScheduledWorkflow, at: datetime) -> list[Failure]:
    """Write the ledger of all due times, the runs they start and the schedule's next time."""
    due = timing.due(schedule, at)
    stop = failures.failing_too_often(schedule)
    before, failed = schedule.previous_slot, []
    for slot in due.slots:
        tick = ScheduleTick(times=slot.times, **identity(schedule, slot.at, at))
        tick.outcome, tick.reason = Outcome.MISSED, slot.reason
        if stop:
            tick.reason = stop
        elif slot.runs:
            run_or_say_why_not(tick, schedule, slot, before, at)
        if tick.outcome == Outcome.FAILED_TO_SUBMIT:
            failed.append(Failure(tick.reason, slot.at))
        ledger(tick)
        before = slot.at if slot.times == 1 else None
    schedule.previous_slot, schedule.next_run_at = before, due.following
    if stop:
        schedule.next_run_at, schedule.pause_note = None, stop
    advance(schedule, at)
    return failed


def run_or_say_why_not(
    tick: ScheduleTick, schedule: ScheduledWorkflow, slot: timing.Slot, before: datetime | None, at: datetime
) -> None:
    if reason := refusal(schedule) or overlap.verdict(schedule):
        tick.outcome, tick.reason = reason
    else:
        start(schedule, tick, before, at, slot.reason)
    if schedule.remaining_runs and tick.outcome in (Outcome.SUBMITTED, Outcome.BUFFERED):
        schedule.remaining_runs -= 1


def refusal(schedule: ScheduledWorkflow) -> overlap.Verdict | None:
    """Why nothing may start at this time, if so."""
    if not schedule.tenant.enabled:
        return Outcome.MISSED, "The tenant is stopped."
    if schedule.remaining_runs == 0:
        return Outcome.MISSED, "All its runs are used up."
    return None


def give_up(schedule: ScheduledWorkflow, at: datetime, error: Exception) -> Failure:
    """The tick of a schedule that cannot be decided is a ledger row with the reason; the schedule goes on behind it."""
    schedule.refresh_from_db()
    slot = (schedule.next_run_at or at) - timing.delay(schedule)
    tick = ScheduleTick(outcome=Outcome.FAILED_TO_SUBMIT, **identity(schedule, slot, at))
    tick.reason = schedule.last_error = told(error)
    ledger(tick)
    schedule.previous_slot = None
    try:
        schedule.next_run_at = timing.next_start(schedule, at)
    except Exception as broken:  # an expression that cannot be read has no next time: pause instead of trying for ever
        schedule.next_run_at, schedule.pause_note = None, told(broken)
    advance(schedule, at)
    return Failure(tick.reason, slot)


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
                schedule.next_run_at = timing.next_start(schedule, at)
            except CronError as error:
                schedule.pause_note = schedule.last_error = told(error)
            advance(schedule, at)
