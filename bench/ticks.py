"""Two schedulers, fifty schedules on every minute, a clock that runs ten times as fast, one scheduler killed."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

from bench import product
from bench.stack import Stack, say, wait_until

SCHEDULES = 50
STEP = timedelta(seconds=10)


def clock_test(stack: Stack, *, seconds: int) -> list[str]:
    """Each expected minute of each schedule has one ledger row, each submitted one has one run; what is violated."""
    from highway_automation.base import clock
    from schedules_app.models import ScheduledWorkflow

    for process in stack.processes[2:]:
        process.stop()
    stack.worker("ticking").start()
    first, second = stack.scheduler("first").start(), stack.scheduler("second").start()
    tenant = product.tenant()
    begun = _create(tenant)
    moved = clock.offset()
    for elapsed in range(seconds):
        moved += STEP
        stack.clock_file.write_text(str(moved.total_seconds()))
        time.sleep(1)
        if elapsed == seconds // 3:
            first.kill()
        if elapsed == seconds // 2:
            first = stack.scheduler("first again").start()
    ended = clock.now()
    schedules = list(ScheduledWorkflow.objects.for_tenant(tenant))
    expected = _minutes(begun, ended)
    wait_until(lambda: _rows(tenant, expected) >= len(schedules) * len(expected), "the ledger to be complete", 30)
    failures = _violations(tenant, begun, expected)
    say(f"  clock: {len(schedules)} schedules x {len(expected)} minutes, {len(failures)} violations")
    for process in (first, second):
        process.stop()
    return failures


def _create(tenant: object) -> datetime:
    from highway_automation.base import clock
    from schedules_app.actions import create_schedule

    definition = {"name": "tick", "version": "1", "tasks": {"a": {"task_id": "a", "operator_type": "task",
                  "function": "tools.log.info", "kwargs": {"message": "tick"}, "dependencies": []}}}  # fmt: skip
    for number in range(SCHEDULES):
        values = {"name": f"s{number}", "cron_expression": "* * * * *", "workflow_definition": definition}
        create_schedule(tenant, {**values, "overlap": "allow_all"})  # type: ignore[arg-type]
    return clock.now()


def _minutes(begun: datetime, ended: datetime) -> list[datetime]:
    """The full minutes that every schedule saw: after the last was made, until ten seconds ago."""
    at = begun.replace(second=0, microsecond=0) + timedelta(minutes=1)
    found = []
    while at <= ended - STEP:
        found.append(at)
        at += timedelta(minutes=1)
    return found


def _rows(tenant: object, expected: list[datetime]) -> int:
    from schedules_app.models import ScheduleTick

    return ScheduleTick.objects.for_tenant(tenant).filter(scheduled_for__in=expected).count()  # type: ignore[arg-type]


def _violations(tenant: object, begun: datetime, expected: list[datetime]) -> list[str]:
    from runs_app.models import WorkflowRun
    from schedules_app.models import ScheduleTick

    ticks = list(ScheduleTick.objects.for_tenant(tenant).filter(scheduled_for__in=expected))  # type: ignore[arg-type]
    count = Counter((tick.schedule_name, tick.scheduled_for) for tick in ticks)
    names = {f"s{number}" for number in range(SCHEDULES)}
    failures = [
        f"{name} has {count[name, at]} rows for {at}" for name in names for at in expected if count[name, at] != 1
    ]
    runs = Counter(
        WorkflowRun.objects.for_tenant(tenant)  # type: ignore[arg-type]
        .filter(cause_kind="schedule")
        .values_list("idempotency_key", flat=True)
    )
    ids = {str(pk) for pk in WorkflowRun.objects.for_tenant(tenant).values_list("pk", flat=True)}  # type: ignore[arg-type]
    failures += [f"two runs for {key}" for key, number in runs.items() if number != 1]
    failures += [
        f"{tick.schedule_name} {tick.scheduled_for}: {tick.outcome} {tick.reason}"
        for tick in ticks
        if tick.outcome != "submitted" or str(tick.workflow_run_id) not in ids
    ]
    return failures
