"""A run that waits by `wait_for_event` goes on when an event of that type comes, by whatever door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from runs_app.models import WorkflowRun
from tenants_app.models import Tenant
from tests.conftest import client_with_key, workflow
from tests.triggers.conftest import MakeTrigger
from triggers_app.actions import dispatch_events, emit_event, sweep

WAITING = workflow(
    {"task_id": "wait", "operator_type": "wait_for_event", "event_name": "order_paid", "dependencies": []},
    name="wait",
)
Run = Callable[..., WorkflowRun]
Drive = Callable[[], int]


def ended(run: WorkflowRun, drive: Drive) -> Any:
    dispatch_events()
    drive()
    run.refresh_from_db()
    return run.result if run.status == "completed" else None


def test_an_event_over_the_api_wakes_it_though_no_trigger_listens(tenant: Tenant, run: Run, drive: Drive) -> None:
    waiting = run(WAITING)
    assert waiting.status == "sleeping"
    api: APIClient = client_with_key(tenant, "operator")
    sent = {"type": "order_paid", "payload": {"total": 20}}
    assert api.post("/api/v1/events", sent, format="json").status_code == 202

    assert "20" in str(ended(waiting, drive))
    assert not sweep()


def test_other_names_and_other_tenants_do_not_wake_it(
    tenant: Tenant, other_tenant: Tenant, run: Run, drive: Drive, make_trigger: MakeTrigger
) -> None:
    make_trigger(event_type="order_*")
    waiting = run(WAITING)
    emit_event(tenant, "order_placed", {})
    emit_event(other_tenant, "order_paid", {})
    assert ended(waiting, drive) is None

    emit_event(tenant, "order_paid", {"n": 1})
    emit_event(tenant, "order_paid", {"n": 2})
    assert "'n': 1" in str(ended(waiting, drive))


def test_what_came_between_its_start_and_its_wait_is_not_lost(tenant: Tenant, start: Run, drive: Drive) -> None:
    started = start(WAITING)
    emit_event(tenant, "order_paid", {"n": 1})
    assert "'n': 1" in str(ended(started, drive))


def test_what_came_before_its_start_does_not_count(tenant: Tenant, run: Run, drive: Drive) -> None:
    emit_event(tenant, "order_paid", {"n": 1})
    assert ended(run(WAITING), drive) is None


@pytest.mark.postgres
def test_an_event_by_sql_wakes_it(tenant: Tenant, run: Run, drive: Drive) -> None:
    waiting = run(WAITING)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO events (tenant_id, type, payload) VALUES ('acme', 'order_paid', '[1, 2]')")
        cursor.execute("UPDATE events SET received_at = clock_timestamp()")  # the test is one transaction
    assert "[1, 2]" in str(ended(waiting, drive))


def test_an_unreadable_payload_wakes_nobody_and_keeps_no_other_from_it(tenant: Tenant, run: Run, drive: Drive) -> None:
    waiting = run(WAITING)
    emit_event(tenant, "order_paid", {}, subject="poison")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events SET payload = %s", ["[" * 100 + "]" * 100])
    assert ended(waiting, drive) is None
    emit_event(tenant, "order_paid", {"n": 2})
    assert "'n': 2" in str(ended(waiting, drive))
