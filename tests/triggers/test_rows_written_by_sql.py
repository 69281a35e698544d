"""Whatever SQL writes past the verbs: nonsense fails alone, with its reason, and everything beside it goes on."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.models import Tenant
from tests.triggers.conftest import LOGGING, MakeTrigger, deliveries, runs
from triggers_app.actions import dispatch_events, emit_event, sweep
from triggers_app.actions.dispatch import LARGEST_STORED
from triggers_app.models import Event, EventTrigger

DEEP = "[" * 900 + "]" * 900
NONSENSE = {
    "an array": ("[1, 2]", "no JSON object"),
    "a number": ("7", "no JSON object"),
    "null": ("null", "no JSON object"),
    "too deep": (DEEP, "deeper than 64 levels"),
    "too large": (json.dumps({"a": "x" * (LARGEST_STORED + 1)}), "larger than 8 MiB"),
}
OF_POSTGRESQL = {
    "far too deep": ("[" * 5000 + "]" * 5000, "deeper than 64 levels"),
    "a number without end": ('{"n": 1e5000}', "more digits"),
}


def write(table: str, row: object, column: str, text: str) -> None:
    """As somebody with a database shell does."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {row}", [text])  # noqa: S608


def poison(text: str) -> None:
    write("events", "type = 'order_placed' AND subject = 'poison'", "payload", text)


@pytest.mark.parametrize("kind", [*NONSENSE, *(pytest.param(it, marks=pytest.mark.postgres) for it in OF_POSTGRESQL)])
def test_a_payload_that_nobody_can_use_fails_with_its_reason_and_holds_nobody_up(
    tenant: Tenant, other_tenant: Tenant, make_trigger: MakeTrigger, api: APIClient, kind: str
) -> None:
    make_trigger()
    make_trigger(of=other_tenant)
    text, reason = (NONSENSE | OF_POSTGRESQL)[kind]
    bad = emit_event(tenant, "order_placed", {}, subject="poison")
    good = emit_event(tenant, "order_placed", {"n": 1})
    emit_event(other_tenant, "order_placed", {"n": 2})
    poison(text)

    assert dispatch_events() == 3

    outcomes = {delivery.event_id: delivery for delivery in deliveries(tenant)}
    assert (outcomes[bad.pk].outcome, outcomes[good.pk].outcome) == ("failed", "submitted")
    assert reason in outcomes[bad.pk].error
    assert [run.inputs for run in runs(tenant)] + [run.inputs for run in runs(other_tenant)] == [{"n": 1}, {"n": 2}]
    assert not sweep()
    assert api.post(f"/api/v1/deliveries/{outcomes[bad.pk].pk}/retry", {}, format="json").status_code in (200, 409)


@pytest.mark.parametrize("text", [DEEP, pytest.param(OF_POSTGRESQL["far too deep"][0], marks=pytest.mark.postgres)])
def test_pages_and_answers_show_an_unreadable_payload_as_such(
    tenant: Tenant, make_trigger: MakeTrigger, api: APIClient, admin_client: Client, text: str
) -> None:
    trigger = make_trigger()
    event = emit_event(tenant, "order_placed", {}, subject="poison")
    poison(text)
    dispatch_events()

    told = {"unreadable": "The JSON is nested deeper than 64 levels."}
    assert api.get(f"/api/v1/events/{event.pk}").json()["payload"] == told
    assert api.get("/api/v1/events").json()["events"][0]["payload"] == told
    explained = api.post(f"/api/v1/triggers/{trigger.pk}/test", {"event_id": str(event.pk)}, format="json").json()
    assert (explained["matched"], explained["problem"]) == (False, f"payload: {told['unreadable']}")
    for path in ("event/", f"event/{event.pk}/change/", f"eventtrigger/{trigger.pk}/change/"):
        assert admin_client.get(f"/admin/triggers_app/{path}").status_code == 200


@pytest.mark.parametrize("column", ["filter_expression", "input_mapping", "workflow_definition"])
@pytest.mark.parametrize("text", [DEEP, pytest.param(OF_POSTGRESQL["far too deep"][0], marks=pytest.mark.postgres)])
def test_a_trigger_that_nobody_can_read_fails_alone(
    tenant: Tenant, make_trigger: MakeTrigger, api: APIClient, column: str, text: str
) -> None:
    broken = make_trigger(name="broken")
    make_trigger(name="good")
    write("event_triggers", "name = 'broken'", column, text)
    EventTrigger.objects.for_tenant(tenant).filter(pk=broken.pk).update(definition=None)
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    outcomes = {delivery.trigger_name: delivery for delivery in deliveries(tenant)}
    assert (outcomes["good"].outcome, outcomes["broken"].outcome) == ("submitted", "failed")
    assert "deeper than 64 levels" in outcomes["broken"].error
    answer = api.patch(f"/api/v1/triggers/{broken.pk}", {"name": "still broken"}, format="json")
    assert answer.status_code == 422
    assert column in str(answer.json()["errors"])


@pytest.mark.postgres
def test_a_time_that_python_has_no_name_for_is_refused(tenant: Tenant) -> None:
    for time in ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01"):
        with (
            pytest.raises(DatabaseError, match="event_times_readable"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO events (tenant_id, type, occurred_at) VALUES ('acme', 'x', %s::timestamptz)", [time]
            )
    assert not Event.objects.for_tenant(tenant).exists()


@pytest.mark.postgres
def test_a_trigger_changed_by_sql_counts_at_once(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(event_type="something_else")
    emit_event(tenant, "order_placed", {})
    dispatch_events()  # this process knows the tenant's triggers now
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event_triggers (tenant_id, name, event_type, workflow_definition)"
            " VALUES ('acme', 'by-sql', 'order_placed', %s), ('acme', 'gone', 'order_paid', %s)",
            [json.dumps(LOGGING), json.dumps(LOGGING)],
        )
        emit_event(tenant, "order_placed", {})
        dispatch_events()
        assert [row.trigger_name for row in deliveries(tenant)] == ["by-sql"]

        cursor.execute("UPDATE event_triggers SET filter_expression = '{\"n\": 1}' WHERE name = 'by-sql'")
        cursor.execute("DELETE FROM event_triggers WHERE name = 'gone'")
        for event_type in ("order_placed", "order_paid"):
            emit_event(tenant, event_type, {})
        dispatch_events()
        assert len(deliveries(tenant)) == 1
