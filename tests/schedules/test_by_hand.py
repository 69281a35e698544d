from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due, pause_schedule, resume_schedule, run_now, skip_next, update_schedule
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from templates_app.actions import create_template, set_enabled
from tenants_app.models import Tenant, User
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db


def post(api: APIClient, schedule: ScheduledWorkflow, verb: str, body: Any = None, **headers: str) -> Any:
    return api.post(f"/api/v1/schedules/{schedule.pk}/{verb}", body, format="json", headers=headers)


def test_a_run_by_hand_leaves_the_times_as_they_are(api: APIClient, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 * * * *", remaining_runs=2, inputs={"day": "${schedule.date}"})

    answer = post(api, schedule, "run")

    run = WorkflowRun.objects.all_tenants().get()
    assert answer.status_code == 202
    assert answer.json() == {
        "workflow_run_id": str(run.pk),
        "status": "pending",
        "schedule_id": str(schedule.pk),
        "workflow_name": "probe",
    }
    tick = ScheduleTick.objects.all_tenants().get()
    assert (tick.outcome, tick.workflow_run_id, tick.lateness) == ("run_by_hand", run.pk, 0)
    assert tick.reason.startswith("Run by")
    assert (run.cause_kind, run.cause_id, run.inputs["day"]) == ("schedule", str(schedule.pk), "2026-11-23")
    assert run.inputs["data_interval_start"] == "2026-11-23T10:00:00+00:00"
    now = ScheduledWorkflow.objects.all_tenants().get()
    assert (now.next_run_at, now.remaining_runs, now.execution_count) == (schedule.next_run_at, 2, 1)
    assert now.last_run_at == tick.scheduled_for
    shown = api.get(f"/api/v1/schedules/{schedule.pk}/history?outcome=run_by_hand").json()
    assert [row["status"] for row in shown["executions"]] == ["pending"]


def test_no_policy_blocks_a_run_by_hand_but_it_counts_as_open(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = pause_schedule(make())
    run_now(schedule)
    run_now(schedule)
    resume_schedule(schedule)

    at("2026-11-23T10:01:00")
    fire_due()

    assert [outcome for _, outcome in ledger(schedule)] == ["run_by_hand", "run_by_hand", "skipped_overlap"]
    assert WorkflowRun.objects.all_tenants().count() == 2


def test_an_idempotency_key_starts_one_run(api: APIClient, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule, other = make(), make()
    first = post(api, schedule, "run", {"idempotency_key": "k"})
    at("2026-11-23T11:00:30")
    again = post(api, schedule, "run", **{"Idempotency-Key": "k"})
    elsewhere = post(api, other, "run", {"idempotency_key": "k"})

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["workflow_run_id"] == again.json()["workflow_run_id"]
    assert elsewhere.status_code == 409
    assert elsewhere.json()["existing_run_id"] == first.json()["workflow_run_id"]
    assert ScheduleTick.objects.all_tenants().count() == 1
    for key in ("", "x" * 256, f"cron:{schedule.pk}:2026-11-23T12:00:00+00:00", "a\0b"):
        assert post(api, schedule, "run", {"idempotency_key": key}).status_code in (400, 422), key


def test_what_cannot_start_says_why_and_leaves_nothing(api: APIClient, make: Make, tenant: Tenant) -> None:
    template, _warnings = create_template(tenant, {"name": "report", "workflow_definition": DEFINITION})
    of_template, broken, unreadable = make(template=template), make(), make()
    rows = ScheduledWorkflow.objects.all_tenants()
    rows.filter(pk=broken.pk).update(inputs={"x": "${no_such.name}"})
    rows.filter(pk=unreadable.pk).update(cron_expression="not a cron")
    set_enabled(template, False)

    assert post(api, of_template, "run").status_code == 409
    assert "no_such" in post(api, broken, "run").json()["message"]
    assert post(api, unreadable, "run").status_code == 422
    assert post(api, of_template, "run", {"colour": "red"}).status_code == 422
    Tenant.objects.filter(pk=tenant.pk).update(enabled=False)
    with pytest.raises(Exception, match="The tenant is stopped"):
        run_now(make())
    assert not WorkflowRun.objects.all_tenants().exists()
    assert not ScheduleTick.objects.all_tenants().exists()


def test_the_next_time_is_left_out(api: APIClient, make: Make, at: At, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="allow_all")

    skipped = skip_next(schedule, actor=alice)
    assert skipped.next_run_at == datetime.fromisoformat("2026-11-23T10:02:00+00:00")
    coming = api.get(f"/api/v1/schedules/{schedule.pk}/preview?count=1").json()["ticks"]
    for minute in (1, 2):
        at(f"2026-11-23T10:0{minute}:00")
        fire_due()

    assert ledger(schedule) == [("2026-11-23T10:01:00", "skipped_by_hand"), ("2026-11-23T10:02:00", "submitted")]
    assert ScheduleTick.objects.all_tenants().get(outcome="skipped_by_hand").reason == "Skipped by alice."
    assert "10:01" not in str(coming) and "10:02" in str(coming)
    shown = api.get(f"/api/v1/schedules/{schedule.pk}/history").json()["executions"]
    assert (shown[1]["status"], shown[1]["workflow_run_id"]) == ("skipped_by_hand", None)


def test_the_time_that_is_meant_is_skipped_once(api: APIClient, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    meant = {"scheduled_for": "2026-11-23T11:01:00+01:00"}
    assert post(api, schedule, "skip", meant).json()["next_run_at"] == "2026-11-23T10:02:00Z"
    assert post(api, schedule, "skip", meant).json()["next_run_at"] == "2026-11-23T10:02:00Z"
    wrong = post(api, schedule, "skip", {"scheduled_for": "2026-11-23T10:09:00Z"})
    assert wrong.status_code == 409 and "2026-11-23T10:02:00" in wrong.json()["message"]
    assert post(api, schedule, "skip", {"scheduled_for": "soon"}).status_code == 422
    assert post(api, schedule, "skip").json()["next_run_at"] == "2026-11-23T10:03:00Z"
    pause_schedule(schedule)
    assert post(api, schedule, "skip").status_code == 409
    assert len(ledger(schedule)) == 2


def test_an_edit_does_not_bring_a_skipped_time_back(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = skip_next(make())
    schedule, _warnings = update_schedule(schedule, {"catch_up": "none", "day_or": False})
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T10:02:00+00:00")
    schedule = resume_schedule(pause_schedule(schedule))
    assert schedule.next_run_at == datetime.fromisoformat("2026-11-23T10:02:00+00:00")


def test_skipping_the_only_time_ends_it(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = skip_next(make(cron_expression="@at 2026-12-01 09:00"))
    assert not schedule.enabled and schedule.pause_note.startswith("Ended")


def test_an_unknown_schedule_is_404(api: APIClient) -> None:
    for verb in ("run", "skip"):
        assert api.post(f"/api/v1/schedules/{uuid4()}/{verb}").status_code == 404
