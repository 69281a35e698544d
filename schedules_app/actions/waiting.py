"""Times that waited for an open run start when it has ended."""

from __future__ import annotations

from uuid import UUID

from highway_automation.base import clock
from highway_automation.base.db import atomic, lock_rows
from runs_app.models import WorkflowRun
from schedules_app.actions import failures
from schedules_app.actions.failures import Failure
from schedules_app.actions.ledger import lateness
from schedules_app.actions.overlap import open_run
from schedules_app.actions.pause import save
from schedules_app.actions.start import start
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick

MOST = 1_000


def start_waiting() -> None:
    """Start the oldest waiting time of each schedule that has no open run. Raises only what a lost database raises."""
    ticks = ScheduleTick.objects.all_tenants().filter(outcome=Outcome.BUFFERED, schedule__isnull=False)
    wanted = list(ticks.order_by("schedule_id").values_list("schedule_id", flat=True).distinct()[:MOST])
    if not wanted:
        return
    runs = WorkflowRun.objects.all_tenants().open().filter(cause_kind="schedule")
    busy = set(runs.filter(cause_id__in=[str(pk) for pk in wanted]).values_list("cause_id", flat=True))
    for pk in wanted:
        if str(pk) not in busy:
            start_oldest(pk)


def start_oldest(schedule_id: UUID) -> None:
    rows = ScheduledWorkflow.objects.all_tenants().filter(pk=schedule_id)
    with atomic():
        found = lock_rows(rows.select_related("tenant", "template", "definition"), skip_locked=True)
        for schedule in found:  # one, or none: another scheduler holds it
            if open_run(schedule) is None:
                start_for(schedule)


def start_for(schedule: ScheduledWorkflow) -> None:
    ticks = ScheduleTick.objects.for_tenant(schedule.tenant_id)
    tick = ticks.waiting().filter(schedule=schedule).first()
    if tick is None:
        return
    at = clock.now()
    tick.lateness = lateness(schedule, tick.scheduled_for, at)
    if schedule.tenant.enabled:
        start(schedule, tick, None, at, "It waited for the run before it.")
    else:
        tick.outcome, tick.reason = Outcome.MISSED, "The tenant is stopped."
    tick.save(update_fields=["outcome", "reason", "workflow_run_id", "lateness"])
    save(schedule, "last_run_at", "last_error", "execution_count")
    if tick.outcome == Outcome.FAILED_TO_SUBMIT:
        failures.count(schedule, [Failure(tick.reason, tick.scheduled_for)])
