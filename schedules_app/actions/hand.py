"""What people decide about a schedule beside its times: a run now, a time left out."""

from __future__ import annotations

from datetime import datetime

from highway_automation.base import clock
from highway_automation.base.db import atomic
from highway_automation.base.errors import Conflict, FieldError, Invalid
from runs_app.actions.submit import RESERVED_KEY
from runs_app.models import WorkflowRun
from schedules_app import timing
from schedules_app.actions.fire import advance
from schedules_app.actions.ledger import by, identity, ledger
from schedules_app.actions.pause import locked, save
from schedules_app.actions.submit import cause_of, submit
from schedules_app.cron import CronError
from schedules_app.models import LIVE, Outcome, ScheduledWorkflow, ScheduleTick
from schedules_app.names import ExpressionError
from tenants_app.models import User


def run_now(
    schedule: ScheduledWorkflow, *, actor: User | None = None, idempotency_key: str | None = None
) -> tuple[WorkflowRun, bool]:
    """Start what it starts, now, paused or not; its times and the number of its remaining runs stay as they are.

    No policy blocks a run by hand. It counts as an open run for the times that come while it lasts. A key that was used
    before answers its first run and False.

    Raises Conflict (the tenant is stopped, the template disabled, the key started something else), Invalid, NotFound.
    """
    with atomic():
        row = locked(schedule)
        if idempotency_key and (earlier := _by_key(row, idempotency_key)):
            return earlier, False
        if not row.tenant.enabled:
            raise Conflict("The tenant is stopped.")
        at = clock.now()
        try:
            run, created = submit(row, at, timing.interval_start(row, at), key=idempotency_key or None, actor=actor)
        except (CronError, ExpressionError) as error:
            raise Invalid(str(error), errors=[FieldError(getattr(error, "field", "inputs"), str(error))]) from None
        tick = ScheduleTick(outcome=Outcome.RUN_BY_HAND, backfill_id=run.pk, **identity(row, at, at))
        tick.workflow_run_id, tick.reason, tick.lateness = run.pk, f"Run {by(actor)}.", 0.0
        ledger(tick)
        row.last_run_at, row.last_error = at, ""
        row.execution_count += 1
        save(row, "last_run_at", "last_error", "execution_count")
    return run, created


def _by_key(schedule: ScheduledWorkflow, key: str) -> WorkflowRun | None:
    """The run that this key started by hand before. Raises Conflict when the key started something else."""
    if reserved := RESERVED_KEY.match(key):
        told = f"Keys that begin with {reserved[1]}: and an id are the product's own; begin with something else."
        raise Invalid("The idempotency key is not usable.", errors=[FieldError("idempotency_key", told)])
    run = WorkflowRun.objects.for_tenant(schedule.tenant_id).filter(idempotency_key=key).first()
    cause = cause_of(schedule)
    if run is not None and (run.cause_kind, run.cause_id) != (cause.kind, cause.id):
        raise Conflict("This idempotency key started another run; use a new key.", existing_run_id=str(run.pk))
    return run


def skip_next(
    schedule: ScheduledWorkflow, *, actor: User | None = None, scheduled_for: datetime | None = None
) -> ScheduledWorkflow:
    """Leave out the next time. `scheduled_for` says which one the caller means: once skipped, skipping it again changes
    nothing.

    Raises Conflict when it is paused, or its next time is another one; NotFound.
    """
    with atomic():
        row, at = locked(schedule), clock.now()
        if scheduled_for is not None and _is_skipped(row, scheduled_for):
            return row
        slot = next_slot(row, at)
        if scheduled_for is not None and scheduled_for != slot:
            raise Conflict(f"The next time of '{row.name}' is {slot.isoformat()}; only that one can be skipped.")
        tick = ScheduleTick(outcome=Outcome.SKIPPED_BY_HAND, reason=f"Skipped {by(actor)}.", **identity(row, slot, at))
        ledger(tick)
        row.previous_slot, row.next_run_at = slot, timing.next_start(row, slot)
        advance(row, at)
    return row


def next_slot(row: ScheduledWorkflow, at: datetime) -> datetime:
    """The time that is decided next. Raises Conflict when none is."""
    try:
        slot = row.next_run_at - timing.delay(row) if row.next_run_at else timing.first_slot(row, at)
    except CronError as error:
        raise Conflict(str(error)) from None
    if not row.enabled or slot is None:
        raise Conflict(f"'{row.name}' is paused: no time of it is coming.")
    return slot


def _is_skipped(row: ScheduledWorkflow, slot: datetime) -> bool:
    ticks = ScheduleTick.objects.for_tenant(row.tenant_id).filter(schedule=row, scheduled_for=slot, backfill_id=LIVE)
    return ticks.filter(outcome=Outcome.SKIPPED_BY_HAND).exists()
