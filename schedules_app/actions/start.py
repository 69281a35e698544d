"""One row of the ledger starts its run, or says why it could not."""

from __future__ import annotations

from datetime import datetime

from django.db import InterfaceError, OperationalError

from highway_automation.base.db import savepoint
from schedules_app import timing
from schedules_app.actions.ledger import told
from schedules_app.actions.overlap import make_way
from schedules_app.actions.submit import key_of, submit
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick

CONNECTION_ERRORS = (OperationalError, InterfaceError)


def start(schedule: ScheduledWorkflow, tick: ScheduleTick, before: datetime | None, at: datetime, note: str) -> None:
    """Fill in the tick's outcome and the schedule's account of its runs; neither is saved here. `before` is the time
    ahead of the tick's, where that is known. Raises only what a lost database raises.
    """
    slot = tick.scheduled_for
    try:
        with savepoint():
            ended = make_way(schedule)
            before = before or timing.interval_start(schedule, slot)
            run, _created = submit(schedule, slot, before, key=key_of(schedule, slot))
            moved = timing.note_of(schedule.spec, slot)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        tick.outcome, tick.reason = Outcome.FAILED_TO_SUBMIT, told(error)
        schedule.last_error = tick.reason
        return
    tick.outcome, tick.workflow_run_id = Outcome.SUBMITTED, run.pk
    tick.reason = " ".join(filter(None, [note, ended, moved]))
    schedule.last_run_at, schedule.last_error = at, ""
    schedule.execution_count += 1
