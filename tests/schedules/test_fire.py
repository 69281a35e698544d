from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from highway_automation.base import clock
from runs_app.models import StepRun, WorkflowDefinition, WorkflowRun
from schedules_app.actions import delete_schedule, fire_due, pause_schedule, resume_schedule, update_schedule
from schedules_app.actions.fire import BATCH
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick
from tenants_app.models import Tenant
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
Pass = Callable[..., datetime]
pytestmark = pytest.mark.django_db


def test_a_due_time_becomes_one_run_with_its_ledger_row(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()

    at("2026-11-23T10:01:02")
    following = fire_due()

    run = WorkflowRun.objects.all_tenants().get()
    tick = ScheduleTick.objects.all_tenants().get()
    schedule.refresh_from_db()
    assert (run.cause_kind, run.cause_id) == ("schedule", str(schedule.pk))
    assert run.idempotency_key == f"cron:{schedule.pk}:2026-11-23T10:01:00+00:00"
    assert (tick.outcome, tick.workflow_run_id, tick.schedule_name) == ("submitted", run.pk, schedule.name)
    assert 2 <= tick.lateness < 4
    assert schedule.next_run_at == following == datetime.fromisoformat("2026-11-23T10:02:00+00:00")
    assert schedule.last_run_at and timedelta(0) <= schedule.last_run_at - tick.scheduled_for < timedelta(seconds=4)


def test_nothing_is_due_before_its_time_and_nothing_twice(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()

    fire_due()
    assert ledger(schedule) == []

    at("2026-11-23T10:01:00")
    fire_due()
    fire_due()
    assert ledger(schedule) == [("2026-11-23T10:01:00", "submitted")]


def test_every_minute_has_its_row_when_the_clock_runs_ten_times_as_fast(make: Make, at: At, pass_time: Pass) -> None:
    at("2026-11-23T10:00:30")
    schedules = [make(overlap="allow_all" if number % 2 else "skip") for number in range(20)]

    for _ in range(60):
        pass_time(seconds=10)
        fire_due()

    expected = [f"2026-11-23T10:{minute:02}:00" for minute in range(1, 11)]
    for schedule in schedules:
        assert [time for time, _ in ledger(schedule)][:10] == expected
    submitted = ScheduleTick.objects.all_tenants().filter(outcome=Outcome.SUBMITTED)
    assert submitted.values("workflow_run_id").distinct().count() == submitted.count()
    assert WorkflowRun.objects.all_tenants().count() == submitted.count()


def test_a_tick_is_skipped_while_the_last_run_is_open(
    make: Make, at: At, drive: Callable[[], int], tenant: Tenant
) -> None:
    at("2026-11-23T10:00:30")
    skipping, allowing = make(), make(overlap="allow_all")

    for minute in (1, 2):
        at(f"2026-11-23T10:0{minute}:00")
        fire_due()
    drive()
    at("2026-11-23T10:03:00")
    fire_due()

    assert [outcome for _, outcome in ledger(skipping)] == ["submitted", "skipped_overlap", "submitted"]
    assert [outcome for _, outcome in ledger(allowing)] == ["submitted"] * 3
    first = WorkflowRun.objects.all_tenants().filter(cause_id=str(skipping.pk)).earliest("pk")
    skipped = ScheduleTick.objects.all_tenants().get(outcome=Outcome.SKIPPED_OVERLAP)
    assert skipped.reason == f"Run {first.pk} is still open."
    assert skipped.workflow_run_id is None


def test_the_run_knows_its_time(make: Make, at: At, drive: Callable[[], int]) -> None:
    at("2026-03-28T22:59:30")
    make(
        cron_expression="0 0 * * *",
        timezone="Europe/Berlin",
        name="nightly",
        inputs={"day": "${schedule.date}", "from": "{{data_interval_start}}", "text": "until {{data_interval_end}}"},
    )

    at("2026-03-28T23:00:01")
    fire_due()
    drive()

    run = WorkflowRun.objects.all_tenants().get()
    assert run.inputs == {
        "data_interval_start": "2026-03-27T23:00:00+00:00",
        "data_interval_end": "2026-03-28T23:00:00+00:00",
        "day": "2026-03-29",
        "from": "2026-03-27T23:00:00+00:00",
        "text": "until 2026-03-28T23:00:00+00:00",
    }
    step = StepRun.objects.all_tenants().get()
    assert step.input and step.input["message"] == "for 2026-03-28T23:00:00+00:00 since 2026-03-27T23:00:00+00:00"
    assert run.status == "completed"


def test_intervals_join_over_missed_times(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    make(catch_up="latest", cron_expression="*/10 * * * *")

    for moment in ("10:10:00", "10:45:00", "10:50:00"):
        at(f"2026-11-23T{moment}")
        fire_due()
        WorkflowRun.objects.all_tenants().update(status="completed")

    runs = WorkflowRun.objects.all_tenants().order_by("pk")
    assert [(run.inputs["data_interval_start"][11:16], run.inputs["data_interval_end"][11:16]) for run in runs] == [
        ("10:00", "10:10"),
        ("10:30", "10:40"),
        ("10:40", "10:50"),
    ]


@pytest.mark.parametrize(
    ("catch_up", "window", "last"),
    [("none", None, "missed"), ("latest", None, "submitted"), ("latest", 1800, "submitted"), ("latest", 300, "missed")],
)
def test_catch_up_after_a_downtime(make: Make, at: At, catch_up: str, window: int | None, last: str) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 * * * *", catch_up=catch_up, catch_up_window=window)

    at("2026-11-23T14:10:00")
    fire_due()

    assert ledger(schedule) == [
        ("2026-11-23T11:00:00", "missed"),
        ("2026-11-23T12:00:00", "missed"),
        ("2026-11-23T13:00:00", "missed"),
        ("2026-11-23T14:00:00", last),
    ]
    assert all(ScheduleTick.objects.all_tenants().filter(outcome="missed").values_list("reason", flat=True))
    schedule.refresh_from_db()
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T15:00:00+00:00")


@pytest.mark.parametrize("expression", ["* * * * *", "@every 60s"])
def test_a_long_downtime_is_told_in_a_bounded_number_of_rows(make: Make, at: At, expression: str) -> None:
    at("2026-01-01T00:00:30")
    schedule = make(cron_expression=expression, catch_up="latest")

    at("2026-11-23T10:00:10")
    fire_due()

    rows = list(ScheduleTick.objects.all_tenants().order_by("scheduled_for"))
    assert [row.outcome for row in rows] == ["missed"] * 101 + ["submitted"]  # a hundred, one for the rest, the latest
    assert rows[100].times > 1000 and rows[100].reason.startswith("More than 1000 times from here to 2026-11-23T")
    assert rows[-1].scheduled_for == datetime.fromisoformat("2026-11-23T10:00:00+00:00")
    schedule.refresh_from_db()
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T10:01:00+00:00")


def test_a_bad_row_costs_only_itself(make: Make, at: At, tenant: Tenant) -> None:
    at("2026-11-23T10:00:30")
    good, unreadable, broken = make(), make(), make()
    rows = ScheduledWorkflow.objects.all_tenants()
    rows.filter(pk=unreadable.pk).update(cron_expression="not a cron")
    rows.filter(pk=broken.pk).update(inputs={"x": "${no_such.name}"})
    other = make()

    at("2026-11-23T10:01:00")
    fire_due()

    assert ledger(good) == ledger(other) == [("2026-11-23T10:01:00", "submitted")]
    assert ledger(unreadable) == ledger(broken) == [("2026-11-23T10:01:00", "failed_to_submit")]
    unreadable.refresh_from_db()
    broken.refresh_from_db()
    assert not unreadable.enabled and "five fields" in unreadable.pause_note
    assert broken.enabled and broken.next_run_at and broken.next_run_at > clock.now()
    assert "no_such" in broken.last_error
    assert ScheduleTick.objects.all_tenants().get(schedule=broken).reason == broken.last_error


def test_a_definition_that_cannot_run_fails_its_tick_and_not_the_others(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule, other = make(), make(workflow_definition={**DEFINITION, "name": "other"})
    WorkflowDefinition.objects.all_tenants().filter(pk=schedule.definition_id).update(body={})

    at("2026-11-23T10:01:00")
    fire_due()

    assert [outcome for _, outcome in ledger(schedule)] == ["failed_to_submit"]
    assert [outcome for _, outcome in ledger(other)] == ["submitted"]


def test_more_than_a_batch_is_decided_at_once(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedules = [make() for _ in range(BATCH + 5)]

    at("2026-11-23T10:01:00")
    following = fire_due()

    assert ScheduleTick.objects.all_tenants().count() == len(schedules)
    assert following == datetime.fromisoformat("2026-11-23T10:02:00+00:00")


def test_paused_schedules_fire_nothing_and_resume_without_a_burst(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = pause_schedule(make(), note="maintenance")
    assert (schedule.enabled, schedule.next_run_at, schedule.pause_note) == (False, None, "maintenance")

    at("2026-11-23T12:00:30")
    fire_due()
    schedule = resume_schedule(schedule)
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T12:01:00+00:00")
    assert schedule.pause_note == ""

    at("2026-11-23T12:01:00")
    fire_due()
    assert ledger(schedule) == [("2026-11-23T12:01:00", "submitted")]


def test_a_pause_with_an_end_resumes_by_itself(make: Make, at: At) -> None:
    now = at("2026-11-23T10:00:30")
    schedule = pause_schedule(make(), until=now + timedelta(hours=1))

    at("2026-11-23T11:00:40")
    fire_due()
    schedule.refresh_from_db()
    assert schedule.enabled and schedule.pause_until is None

    at("2026-11-23T11:01:00")
    fire_due()
    assert ledger(schedule) == [("2026-11-23T11:01:00", "submitted")]


def test_an_edit_never_starts_a_run(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 3 * * *")

    at("2026-11-23T11:59:30")
    schedule, _warnings = update_schedule(schedule, {"cron_expression": "0 11 * * *"})
    fire_due()

    assert ledger(schedule) == []
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-24T11:00:00+00:00")


def test_an_edit_of_something_else_keeps_the_next_time(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()

    at("2026-11-23T10:01:20")
    schedule, _warnings = update_schedule(schedule, {"name": "renamed"})
    fire_due()

    assert ledger(schedule) == [("2026-11-23T10:01:00", "submitted")]


def test_start_end_and_remaining_runs_bound_a_schedule(make: Make, at: At) -> None:
    now = at("2026-11-23T10:00:30")
    bounded = make(start_at=now + timedelta(minutes=2), end_at=now + timedelta(minutes=4), overlap="allow_all")
    counted = make(remaining_runs=2, overlap="allow_all")

    for minute in range(1, 8):
        at(f"2026-11-23T10:0{minute}:00")
        fire_due()

    assert [time[11:16] for time, _ in ledger(bounded)] == ["10:03", "10:04"]
    assert [time[11:16] for time, _ in ledger(counted)] == ["10:01", "10:02"]
    bounded.refresh_from_db()
    counted.refresh_from_db()
    assert not bounded.enabled and not counted.enabled
    assert bounded.pause_note.startswith("Ended") and counted.remaining_runs == 0


def test_a_stopped_tenant_starts_nothing(make: Make, at: At, tenant: Tenant) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    Tenant.objects.filter(pk=tenant.pk).update(enabled=False)

    at("2026-11-23T10:01:00")
    fire_due()

    assert ledger(schedule) == [("2026-11-23T10:01:00", "missed")]
    assert ScheduleTick.objects.all_tenants().get().reason == "The tenant is stopped."


def test_the_ledger_and_the_runs_outlive_their_schedule(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(name="short-lived")
    at("2026-11-23T10:01:00")
    fire_due()

    delete_schedule(schedule)

    tick = ScheduleTick.objects.all_tenants().get()
    assert (tick.schedule, tick.schedule_name) == (None, "short-lived")
    assert WorkflowRun.objects.all_tenants().get().cause_id == str(schedule.pk)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-28", ["2026-03-28T01:30:00", "2026-03-29T01:00:00", "2026-03-30T00:30:00"]),
        ("2026-10-24", ["2026-10-24T00:30:00", "2026-10-25T00:30:00", "2026-10-26T01:30:00"]),
    ],
)
def test_a_fixed_time_runs_once_on_the_days_clocks_change(
    make: Make, at: At, pass_time: Pass, day: str, expected: list[str]
) -> None:
    at(f"{day}T00:00:30")
    schedule = make(cron_expression="30 2 * * *", timezone="Europe/Berlin", overlap="allow_all")

    for _ in range(3 * 48):
        pass_time(minutes=30)
        fire_due()

    assert [time for time, _ in ledger(schedule)] == expected
