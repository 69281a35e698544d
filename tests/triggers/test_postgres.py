"""What only PostgreSQL does: rows that name only what they are about, and partial indexes that its planner chooses."""

from __future__ import annotations

import pytest
from django.db import connection

from tenants_app.models import Tenant
from tests.triggers.conftest import MakeTrigger, runs
from triggers_app.actions import dispatch_events, emit_event, sweep
from triggers_app.models import Event, EventTrigger

pytestmark = pytest.mark.postgres


def test_an_event_may_be_inserted_by_sql(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(filter_expression={"n": 1})
    with connection.cursor() as cursor:
        for number in (1, 2):
            cursor.execute(
                "INSERT INTO events (tenant_id, type, payload) VALUES ('acme', 'order_placed', %s)",
                [f'{{"n": {number}}}'],
            )
    first, second = Event.objects.for_tenant(tenant).order_by("event_id")
    assert first.event_id.version == second.event_id.version == 7
    assert first.source == "sql"

    assert sweep()
    assert dispatch_events() == 2
    assert [run.inputs for run in runs(tenant)] == [{"n": 1}]


def test_a_trigger_may_be_inserted_by_sql_with_the_columns_of_the_request_alone(tenant: Tenant) -> None:
    definition = (
        '{"name": "note", "version": "1", "tasks": {"note": {"task_id": "note", "operator_type": "task", '
        '"function": "tools.log.info", "args": ["hello"], "dependencies": []}}}'
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event_triggers (tenant_id, event_type, filter_expression, workflow_definition)"
            " VALUES ('acme', 'order_placed', '{\"shop\": \"eu-*\"}', %s)",
            [definition],
        )
    trigger = EventTrigger.objects.for_tenant(tenant).get()
    assert (trigger.enabled, trigger.mode, trigger.name) == (True, "live", "order_placed-1")

    emit_event(tenant, "order_placed", {"shop": "eu-1"})
    dispatch_events()
    assert [(run.workflow_name, run.cause_id) for run in runs(tenant)] == [("note", str(trigger.pk))]


def test_triggers_inserted_without_names_get_free_ones(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger()
    make_trigger(name="order_placed-3")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event_triggers (tenant_id, event_type, workflow_definition)"
            " SELECT 'acme', kind, '{}' FROM unnest(ARRAY['order_placed', 'order_placed', 'order_paid']) AS kind"
        )
    names = EventTrigger.objects.for_tenant(tenant).values_list("name", flat=True)
    assert set(names) == {*(f"order_placed-{n}" for n in range(1, 5)), "order_paid-1"}


def test_looking_for_undispatched_events_reads_the_partial_index(tenant: Tenant) -> None:
    rows = [Event(tenant=tenant, type="x", dispatched_at="2026-01-01T00:00:00Z") for _ in range(2_000)]
    Event.objects.for_tenant(tenant).bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events")
    waiting = Event.objects.all_tenants().filter(dispatched_at__isnull=True).order_by("event_id")[:50]
    assert "event_undispatched" in waiting.explain()
