from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from highway_automation.base import clock
from runs_app.actions import cancel_run
from runs_app.models import WorkflowRun
from schedules_app import timing
from schedules_app.actions import delete_schedule, fire_due, pause_schedule
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from schedules_app.preview import preview
from tenants_app.models import Tenant
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db
SLOW = {
    "name": "slow",
    "version": "1",
    "tasks": {
        "a": {"task_id": "a", "operator_type": "task", "function": "tools.time.sleep_for", "kwargs": {"duration": "9h"}}
    },
}


def outcomes(schedule: ScheduledWorkflow) -> list[str]:
    return [outcome for _, outcome in ledger(schedule)]


def open_runs(schedule: ScheduledWorkflow) -> list[WorkflowRun]:
    return list(WorkflowRun.objects.all_tenants().filter(cause_id=str(schedule.pk)).open().order_by("pk"))


def minutes(at: At, first: int, last: int) -> None:
    for minute in range(first, last + 1):
        at(f"2026-11-23T10:{minute:02}:00")
        fire_due()


def end(schedule: ScheduledWorkflow) -> None:
    """The open run ends, and a scheduler looks."""
    cancel_run(open_runs(schedule)[0], actor=None)
    fire_due()


def test_buffer_one_keeps_a_single_time(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="buffer_one", workflow_definition=SLOW)
    minutes(at, 1, 4)
    assert outcomes(schedule) == ["submitted", "buffered", "skipped_overlap", "skipped_overlap"]

    end(schedule)
    assert outcomes(schedule) == ["submitted", "submitted", "skipped_overlap", "skipped_overlap"]
    started = ScheduleTick.objects.all_tenants().order_by("scheduled_for")[1]
    assert (started.reason, round(started.lateness / 60)) == ("It waited for the run before it.", 2)
    assert [run.pk for run in open_runs(schedule)] == [started.workflow_run_id]
    assert open_runs(schedule)[0].inputs["data_interval_end"] == "2026-11-23T10:02:00+00:00"

    end(schedule)
    assert not open_runs(schedule)
    schedule.refresh_from_db()
    assert schedule.execution_count == 2


def test_buffer_all_starts_one_after_the_other(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="buffer_all", workflow_definition=SLOW)
    minutes(at, 1, 3)
    assert outcomes(schedule) == ["submitted", "buffered", "buffered"]
    fire_due()
    assert len(open_runs(schedule)) == 1

    ends = []
    for _ in range(3):
        ends.append(open_runs(schedule)[0].inputs["data_interval_end"][11:16])
        end(schedule)
    assert ends == ["10:01", "10:02", "10:03"]
    assert outcomes(schedule) == ["submitted"] * 3 and not open_runs(schedule)


def test_waiting_times_count_as_runs_and_outlive_the_end(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="buffer_all", workflow_definition=SLOW, remaining_runs=2)
    minutes(at, 1, 3)
    schedule.refresh_from_db()
    assert (outcomes(schedule), schedule.enabled) == (["submitted", "buffered"], False)
    end(schedule)
    assert outcomes(schedule) == ["submitted", "submitted"]


def test_what_waits_is_given_up_with_its_schedule(make: Make, at: At, tenant: Tenant) -> None:
    at("2026-11-23T10:00:30")
    paused, deleted, stopped = (make(overlap="buffer_one", workflow_definition=SLOW) for _ in range(3))
    minutes(at, 1, 2)
    pause_schedule(paused)
    delete_schedule(deleted)
    Tenant.objects.filter(pk=tenant.pk).update(enabled=False)
    end(stopped)

    reasons = ScheduleTick.objects.all_tenants().filter(outcome="missed").values_list("schedule_name", "reason")
    assert dict(reasons) == {
        paused.name: "The schedule was paused while this time waited.",
        deleted.name: "The schedule was deleted while this time waited.",
        stopped.name: "The tenant is stopped.",
    }


@pytest.mark.parametrize(("policy", "word"), [("cancel_other", "cancelled"), ("terminate_other", "terminated")])
def test_the_open_run_gives_way(make: Make, at: At, policy: str, word: str) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap=policy, workflow_definition=SLOW)
    minutes(at, 1, 2)

    first, second = WorkflowRun.objects.all_tenants().order_by("pk")
    assert (first.status, second.status) == ("cancelled", "pending")
    assert word in first.error
    assert outcomes(schedule) == ["submitted", "submitted"]
    tick = ScheduleTick.objects.all_tenants().get(workflow_run_id=second.pk)
    assert tick.reason == f"Run {first.pk} was {word} for it."


def test_a_run_that_cannot_start_cancels_nothing(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="cancel_other", workflow_definition=SLOW)
    minutes(at, 1, 1)
    ScheduledWorkflow.objects.all_tenants().update(inputs={"x": "${no_such.name}"})
    minutes(at, 2, 2)
    assert outcomes(schedule) == ["submitted", "failed_to_submit"]
    assert len(open_runs(schedule)) == 1


@pytest.mark.parametrize(
    ("window", "expected"),
    [(None, ["submitted"] * 4), (7000, ["missed", "missed", "submitted", "submitted"]), (60, ["missed"] * 4)],
)
def test_all_missed_times_within_the_window_are_made_up_for(
    make: Make, at: At, window: int | None, expected: list[str]
) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 * * * *", catch_up="all", catch_up_window=window, overlap="allow_all")
    at("2026-11-23T14:03:00")
    fire_due()
    assert outcomes(schedule) == expected
    runs = WorkflowRun.objects.all_tenants().order_by("pk").values_list("inputs", flat=True)
    assert [run["data_interval_end"][11:13] for run in runs] == ["11", "12", "13", "14"][4 - len(runs) :]


def test_a_long_downtime_is_made_up_for_in_parts(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(catch_up="all", overlap="buffer_all", catch_up_window=9000)
    at("2026-11-23T15:00:30")
    fire_due()
    counted = {outcome: outcomes(schedule).count(outcome) for outcome in set(outcomes(schedule))}
    assert counted == {"missed": 101, "submitted": 1, "buffered": 149}
    folded = ScheduleTick.objects.all_tenants().get(times__gt=1)
    assert folded.times == 300 - 100 - 150
    schedule.refresh_from_db()
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T15:01:00+00:00")


def test_catch_up_and_buffer_make_up_for_one_after_the_other(make: Make, at: At, drive: Callable[[], int]) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 * * * *", catch_up="all", overlap="buffer_all", workflow_definition=DEFINITION)
    at("2026-11-23T13:30:00")
    for _ in range(3):
        fire_due()
        drive()
    assert outcomes(schedule) == ["submitted"] * 3
    assert set(WorkflowRun.objects.all_tenants().values_list("status", flat=True)) == {"completed"}


def test_a_spread_moves_the_start_and_not_the_time(make: Make, at: At) -> None:
    now = at("2026-11-23T10:00:30")
    schedules = [make(cron_expression="0 * * * *", spread=1800, overlap="allow_all") for _ in range(12)]
    late = [timing.delay(schedule) for schedule in schedules]
    assert len(set(late)) > 6 and all(timedelta(0) <= one < timedelta(seconds=1800) for one in late)
    eleven = now.replace(hour=11, minute=0, second=0)
    assert [schedule.next_run_at for schedule in schedules] == [eleven + one for one in late]
    shown = preview(schedules[0], clock.now(), 1)
    assert shown["ticks"][0]["at"] == eleven + late[0] and shown["delay_seconds"] == late[0].total_seconds()

    schedule = max(schedules, key=timing.delay)
    start = eleven + timing.delay(schedule)
    at(f"{start - timedelta(seconds=5):%Y-%m-%dT%H:%M:%S}")
    fire_due()
    assert ledger(schedule) == []
    at(f"{start:%Y-%m-%dT%H:%M:%S}")
    fire_due()
    assert ledger(schedule) == [("2026-11-23T11:00:00", "submitted")]
    assert ScheduleTick.objects.all_tenants().get(schedule=schedule).lateness < 4
    after = ScheduledWorkflow.objects.all_tenants().get(pk=schedule.pk)
    assert after.next_run_at == eleven + timedelta(hours=1) + timing.delay(schedule)
