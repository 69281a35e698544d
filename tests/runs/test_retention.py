"""Clearing away what is old: by the tool, and by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from highway_automation.base import retention
from runs_app.actions.retention import clean_up, kept_by_default, purge_expired, remove_work_folders
from runs_app.models import RunBranch, StepLog, StepRun, WorkflowRun
from runs_app.tools import TOOLS, ToolError
from schedules_app.models import ScheduleTick
from tenants_app.actions import create_api_key, forget_traces, revoke_api_key
from tenants_app.models import APIKey, Tenant
from tests.conftest import shell, workflow
from tests.runs.tools.context import call, context
from tests.together import at_once
from triggers_app.models import Event, TriggerDelivery

pytestmark = pytest.mark.django_db

CLEANUP = "tools.maintenance.cleanup"
Run = Callable[..., Any]
WAITING = {"task_id": "w", "operator_type": "wait", "wait_for": "P900D", "dependencies": []}


def events(tenant: Tenant, count: int, **more: Any) -> None:
    now = timezone.now()
    Event.objects.for_tenant(tenant).bulk_create(
        [Event(tenant=tenant, type="t", dispatched_at=now, **more) for _ in range(count)]
    )


def left(model: Any, tenant: Tenant) -> int:
    count: int = model.objects.for_tenant(tenant).count()
    return count


def test_the_tool_deletes_the_tenant_s_own_old_rows_and_counts_them(
    run: Run, tenant: Tenant, other_tenant: Tenant, move_clock: Callable[..., None]
) -> None:
    run(workflow(shell("a", "echo x")))
    events(tenant, 3)
    events(other_tenant, 2)
    move_clock(days=8)
    events(tenant, 1)
    step = {"task_id": "c", "operator_type": "task", "function": CLEANUP, "dependencies": [],
            "kwargs": {"older_than": "7d", "kinds": ["runs", "events"]}}  # fmt: skip
    ended = run(workflow(step))
    assert ended.result["output"]["counts"] == {"runs": 1, "events": 4}  # that the first run ended is one of them
    assert ended.result["output"]["total"] == 5
    assert [Event.objects.for_tenant(each).filter(type="t").count() for each in (tenant, other_tenant)] == [1, 2]
    assert list(WorkflowRun.objects.for_tenant(tenant).values_list("pk", flat=True)) == [ended.pk]
    assert set(StepRun.objects.for_tenant(tenant).values_list("run_id", flat=True)) == {ended.pk}


def test_a_dry_run_only_counts(run: Run, tenant: Tenant, move_clock: Callable[..., None]) -> None:
    run(workflow(shell("a", "echo x")))
    move_clock(days=2)
    output = call(CLEANUP, context(tenant_id="acme"), older_than="1d", dry_run=True)
    assert output["counts"]["runs"] == 1 and output["dry_run"] is True
    assert left(WorkflowRun, tenant) == 1 and left(StepLog, tenant) == 1


def test_without_kinds_it_takes_what_retention_takes(tenant: Tenant) -> None:
    counts = call(CLEANUP, context(tenant_id="acme"), older_than="1d", dry_run=True)["counts"]
    assert list(counts) == kept_by_default()
    assert {"runs", "approvals", "events", "trigger_deliveries", "schedule_ticks", "mails"} <= set(counts)
    assert not {"artifacts", "workflow_events"} & set(counts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "older_than is missing"),
        ({"older_than": "soon"}, "older_than is wrong"),
        (
            {"older_than": "1d", "kinds": ["rums"]},
            "names 'rums', which cannot be cleaned up; known are api_keys, approvals",
        ),
        ({"older_than": "1d", "kinds": 5}, "kinds must be a list"),
        ({"older_than": "1d", "tenant": "globex"}, "tenant is not an argument"),
    ],
)
def test_bad_arguments_are_named(tenant: Tenant, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=said) as caught:
        TOOLS[CLEANUP].run(arguments, context(tenant_id="acme"))
    assert caught.value.permanent


def test_runs_that_are_open_or_whose_parent_is_stay(
    start: Run, run: Run, drive: Callable[[], int], tenant: Tenant, move_clock: Callable[..., None]
) -> None:
    waiting = run(workflow(WAITING))
    child = run(workflow(shell("a", "echo x")))
    WorkflowRun.objects.for_tenant(tenant).filter(pk=child.pk).update(parent_run_id=waiting.pk, root_run_id=waiting.pk)
    gone = run(workflow(shell("a", "echo x")))
    move_clock(days=400)
    assert purge_expired()["runs"] == 1
    assert set(WorkflowRun.objects.for_tenant(tenant).values_list("pk", flat=True)) == {waiting.pk, child.pk}
    assert not RunBranch.objects.for_tenant(tenant).filter(run_id=gone.pk).exists()


def test_by_default_runs_stay_30_days_and_events_14(run: Run, tenant: Tenant, move_clock: Callable[..., None]) -> None:
    run(workflow(shell("a", "echo x")))
    events(tenant, 2)
    move_clock(days=13)
    assert purge_expired().get("events") == 0
    move_clock(days=2)
    assert purge_expired()["events"] == 3 and left(WorkflowRun, tenant) == 1
    move_clock(days=16)
    assert purge_expired()["runs"] == 1 and left(WorkflowRun, tenant) == 0
    assert purge_expired()["runs"] == 0


def test_zero_days_keep_forever(run: Run, tenant: Tenant, settings: Settings, move_clock: Callable[..., None]) -> None:
    settings.HIGHWAY_RETENTION_RUNS_DAYS = 0
    run(workflow(shell("a", "echo x")))
    move_clock(days=4000)
    assert "runs" not in purge_expired() and left(WorkflowRun, tenant) == 1


def test_events_that_were_not_dispatched_stay(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    Event.objects.for_tenant(tenant).create(type="t")
    move_clock(days=100)
    purge_expired()
    assert left(Event, tenant) == 1


def test_deliveries_outlive_their_event_and_go_later(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    events(tenant, 1)
    event = Event.objects.for_tenant(tenant).get()
    TriggerDelivery.objects.for_tenant(tenant).create(
        event=event, event_type="t", trigger_name="x", outcome="submitted"
    )
    move_clock(days=20)
    purge_expired()
    assert left(Event, tenant) == 0 and TriggerDelivery.objects.for_tenant(tenant).get().event_id is None
    move_clock(days=80)
    purge_expired()
    assert left(TriggerDelivery, tenant) == 0 and left(ScheduleTick, tenant) == 0


def test_many_rows_go_in_short_transactions(
    tenant: Tenant, move_clock: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    events(tenant, 95)
    move_clock(days=15)
    assert retention.purge_rows(Event.objects.for_tenant(tenant), dry_run=False, batch=10) == 95


@pytest.mark.django_db(transaction=True)
def test_several_at_once_purge_each_row_once(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    events(tenant, 1200)
    move_clock(days=15)

    counts = at_once(*[lambda: purge_expired()["events"]] * 3)
    assert sum(counts) == 1200 and left(Event, tenant) == 0


def test_a_kind_that_fails_does_not_hold_up_the_others(
    tenant: Tenant, move_clock: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def broken(tenant_id: str, before: Any, *, dry_run: bool) -> int:
        raise OperationalError("the table is locked")

    monkeypatch.setitem(retention.KINDS, "approvals", broken)
    events(tenant, 1)
    move_clock(days=15)
    assert purge_expired()["events"] == 1


def test_a_clean_up_stops_between_kinds(tenant: Tenant) -> None:
    assert clean_up("acme", timezone.now(), ["runs", "events"], stop=lambda: True) == {}


def test_dead_keys_sessions_and_audit_entries_go_too(
    tenant: Tenant, alice: Any, move_clock: Callable[..., None]
) -> None:
    dead, _ = create_api_key(tenant, "old", "viewer")
    revoke_api_key(dead)
    create_api_key(tenant, "live", "viewer")
    Session.objects.create(session_key="x", session_data="", expire_date=timezone.now() - timedelta(days=1))
    move_clock(days=366)
    purge_expired()
    assert forget_traces() > 0
    assert list(APIKey.objects.for_tenant(tenant).values_list("name", flat=True)) == ["live"]
    assert not Session.objects.exists()


def test_folders_of_runs_that_are_over_are_removed(
    run: Run, tmp_path: Path, settings: Settings, drive: Callable[[], int]
) -> None:
    settings.HIGHWAY_WORK_DIR = str(tmp_path)
    (tmp_path / "acme" / "not-a-run").mkdir(parents=True)
    over = run(workflow(shell("a", 'echo x > "$HIGHWAY_WORK_DIR/x"')))
    still = run(workflow(shell("a", 'echo x > "$HIGHWAY_WORK_DIR/x"'), {**WAITING, "dependencies": ["a"]}))
    assert (tmp_path / "acme" / str(over.pk) / "x").exists()
    assert remove_work_folders() == 1
    assert sorted(path.name for path in (tmp_path / "acme").iterdir()) == sorted([str(still.pk), "not-a-run"])
