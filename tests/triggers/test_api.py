from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from templates_app.actions import set_enabled
from tenants_app.models import Tenant
from tests.conftest import client_with_key
from tests.triggers.conftest import LOGGING, MakeTemplate, MakeTrigger, deliveries, runs
from triggers_app.actions import dispatch_events, emit_event
from triggers_app.models import Event, EventTrigger


def recorded() -> list[str]:
    """The types of acme's events, but for that of the key by which the test itself comes in."""
    rows = Event.objects.for_tenant("acme").exclude(type="api_key_created")
    return list(rows.values_list("type", flat=True))


BODY: dict[str, Any] = {"event_type": "workflow_failed", "workflow_definition": LOGGING}


def post(api: APIClient, path: str, body: Any = None) -> Any:
    return api.post(f"/api/v1/{path}", body if body is not None else {}, format="json")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_trigger_lives_by_the_tickets_endpoints(api: APIClient, slash: str) -> None:
    created = post(api, f"triggers{slash}", {**BODY, "filter_expression": {"workflow_name": "critical_*"}})
    assert created.status_code == 201
    trigger = created.json()
    assert trigger["name"] == "workflow_failed-1"
    assert trigger["tenant_id"] == "acme"
    assert trigger["workflow_definition"] == LOGGING
    assert trigger["enabled"] is trigger["is_active"] is True
    path = f"/api/v1/triggers/{trigger['trigger_id']}{slash}"

    listed = api.get(f"/api/v1/triggers{slash}").json()
    assert (listed["total"], listed["page"]) == (1, 1)
    assert trigger.pop("warnings") == []
    assert listed["triggers"] == [trigger]
    assert api.get(path).json() == trigger

    changed = api.put(path, {**trigger, "event_type": "workflow_*", "name": "mine"}, format="json")
    assert changed.status_code == 200
    assert (changed.json()["event_type"], changed.json()["name"]) == ("workflow_*", "mine")
    assert changed.json()["filter_expression"] == {"workflow_name": "critical_*"}
    patched = api.patch(path, {"max_depth": 1}, format="json")
    assert (patched.status_code, patched.json()["max_depth"]) == (200, 1)
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert not EventTrigger.objects.for_tenant("acme").exists()


def test_pause_and_resume_answer_the_object_each_time(api: APIClient, make_trigger: MakeTrigger) -> None:
    path = f"triggers/{make_trigger().pk}"
    for verb, enabled in (("pause", False), ("pause", False), ("resume", True), ("resume", True)):
        answer = post(api, f"{path}/{verb}")
        assert (answer.status_code, answer.json()["enabled"]) == (200, enabled)


def test_highways_word_for_enabled_is_understood(api: APIClient, make_trigger: MakeTrigger) -> None:
    path = f"/api/v1/triggers/{make_trigger().pk}"
    assert api.patch(path, {"is_active": False}, format="json").json()["enabled"] is False
    assert post(api, "triggers", {**BODY, "is_active": False}).json()["is_active"] is False


def test_a_template_is_named_or_given_by_id(api: APIClient, make_template: MakeTemplate) -> None:
    template = make_template("greet.all")
    named = [{"template": "greet.all"}, {"template": str(template.pk)}, {"template_id": str(template.pk)}]
    for given in named:
        made = post(api, "triggers", {"event_type": "x", **given})
        assert made.status_code == 201
        assert (made.json()["template"], made.json()["template_id"]) == ("greet.all", str(template.pk))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**BODY, "filter_expression": {"a": []}}, 422, "filter_expression.a"),
        ({**BODY, "colour": "red"}, 422, "colour"),
        ({"workflow_definition": LOGGING}, 422, "event_type"),
        ({"event_type": "x"}, 422, "workflow_definition"),
        ({"event_type": "x", "template": "nobody"}, 422, "template"),
        ({"event_type": "x", "template": ["list"]}, 422, "template"),
        ({**BODY, "max_depth": -1}, 422, "max_depth"),
        ({**BODY, "input_mapping": {"a": "${secrets.KEY}"}}, 422, "input_mapping.a"),
    ],
)
def test_a_wrong_body_is_refused_by_field(api: APIClient, body: dict[str, Any], status: int, field: str) -> None:
    answer = post(api, "triggers", body)
    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not EventTrigger.objects.for_tenant("acme").exists()


def test_a_version_that_there_is_not_is_refused(api: APIClient, make_template: MakeTemplate) -> None:
    make_template("greet.all")
    for version in (0, 2):
        answer = post(api, "triggers", {"event_type": "x", "template": "greet.all", "template_version": version})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "template_version"


def test_a_taken_name_is_a_conflict(api: APIClient, make_trigger: MakeTrigger) -> None:
    make_trigger(name="mine")
    assert post(api, "triggers", {**BODY, "name": "mine"}).status_code == 409


def test_foreign_rows_are_answered_like_rows_that_never_were(
    api: APIClient,
    foreign_api: APIClient,
    make_trigger: MakeTrigger,
    make_template: MakeTemplate,
    other_tenant: Tenant,
    tenant: Tenant,
) -> None:
    trigger = make_trigger(input_mapping={"to": "${event.payload.email}"})
    event = emit_event(tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = deliveries(tenant)
    theirs = make_trigger(of=other_tenant)
    template = make_template("secret-plan")
    for foreign, unused in ((trigger.pk, uuid4()), (event.pk, uuid4()), (delivery.pk, uuid4())):
        for key in (foreign, unused, "no-id"):
            for path in (f"triggers/{key}", f"events/{key}", f"deliveries/{key}"):
                assert foreign_api.get(f"/api/v1/{path}").status_code == 404
            for path in (f"triggers/{key}/pause", f"triggers/{key}/test", f"deliveries/{key}/retry"):
                assert post(foreign_api, path).status_code == 404
            assert foreign_api.delete(f"/api/v1/triggers/{key}").status_code == 404
    answers = [post(foreign_api, f"triggers/{theirs.pk}/test", {"event_id": str(key)}) for key in (event.pk, uuid4())]
    answers += [
        post(foreign_api, "triggers", {"event_type": "x", "template": given})
        for given in (str(template.pk), str(uuid4()))
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json() == answers[1].json()
    for path, own in (("triggers", 1), ("events?type=order_placed", 0), ("deliveries", 0)):
        assert foreign_api.get(f"/api/v1/{path}").json()["total"] == own


@pytest.mark.parametrize(
    ("role", "method", "path", "allowed"),
    [
        ("viewer", "get", "triggers", True),
        ("viewer", "post", "triggers", False),
        ("viewer", "post", "events", False),
        ("viewer", "post", "triggers/{}/pause", False),
        ("viewer", "post", "triggers/{}/test", True),
        ("operator", "post", "events", True),
        ("operator", "post", "triggers/{}/pause", True),
        ("operator", "delete", "triggers/{}", False),
        ("editor", "delete", "triggers/{}", True),
    ],
)
def test_roles(tenant: Tenant, make_trigger: MakeTrigger, role: str, method: str, path: str, allowed: bool) -> None:
    client = client_with_key(tenant, role)
    answer = getattr(client, method)(f"/api/v1/{path.format(make_trigger().pk)}", {}, format="json")
    assert (answer.status_code != 403) is allowed


def test_an_invented_event_is_explained(api: APIClient, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(filter_expression={"shop": "eu-*"}, input_mapping={"at": "${event.payload.shop}"})
    path = f"triggers/{trigger.pk}/test"

    answer = post(api, path, {"payload": {"shop": "eu-1"}})
    assert answer.status_code == 200
    assert answer.json() == {
        "matched": True,
        "conditions": [
            {"path": "$event.type", "wanted": "order_placed", "seen": "order_placed", "present": True, "ok": True},
            {"path": "shop", "wanted": "eu-*", "seen": "eu-1", "present": True, "ok": True},
        ],
        "note": "",
        "inputs": {"at": "eu-1"},
        "problem": "",
    }
    missed = post(api, path, {"payload": {"shop": "us"}, "type": "other"}).json()
    assert (missed["matched"], [line["ok"] for line in missed["conditions"]]) == (False, [False, False])
    assert not recorded()


def test_a_stored_event_is_explained(api: APIClient, tenant: Tenant, make_trigger: MakeTrigger) -> None:
    event = emit_event(tenant, "order_placed", {"shop": "us"})
    path = f"triggers/{make_trigger(filter_expression={'shop': 'eu'}).pk}/test"
    answer = post(api, path, {"event_id": str(event.pk)}).json()
    assert answer["conditions"][1] == {"path": "shop", "wanted": "eu", "seen": "us", "present": True, "ok": False}


def test_a_disabled_template_is_told_before_it_fails(
    api: APIClient, make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    template = make_template("greet")
    path = f"triggers/{make_trigger(template=template).pk}/test"
    set_enabled(template, False)
    assert post(api, path, {"payload": {}}).json()["problem"] == "Template greet is disabled."


def test_what_would_keep_a_matching_event_from_starting_is_said(api: APIClient, make_trigger: MakeTrigger) -> None:
    path = f"triggers/{make_trigger(input_mapping={'to': '${event.payload.email}'}).pk}/test"
    answer = post(api, path, {"payload": {}}).json()
    assert answer["matched"] is True
    assert "`event.payload.email` does not exist" in answer["problem"]


@pytest.mark.parametrize("body", [{}, {"payload": [1]}, {"event_id": "x"}, {"event_id": str(uuid4()), "payload": {}}])
def test_a_test_against_nothing_is_refused(api: APIClient, make_trigger: MakeTrigger, body: dict[str, Any]) -> None:
    assert post(api, f"triggers/{make_trigger().pk}/test", body).status_code == 422


def test_an_event_is_accepted_and_shows_what_it_caused(
    api: APIClient, tenant: Tenant, make_trigger: MakeTrigger, drive: Callable[[], int]
) -> None:
    make_trigger(name="mine")
    body = {"type": "order_placed", "payload": {"n": 1}, "source": "shop", "subject": "42", "external_id": "o-1"}
    accepted = post(api, "events", body)
    assert accepted.status_code == 202
    event_id = accepted.json()["event_id"]
    dispatch_events()
    drive()

    shown = api.get(f"/api/v1/events/{event_id}").json()
    assert shown.items() >= body.items()
    (delivery,) = shown["deliveries"]
    assert (delivery["outcome"], delivery["trigger_name"]) == ("submitted", "mine")
    assert delivery["workflow_run_id"] == str(runs(tenant)[0].pk)
    listed = api.get("/api/v1/events", {"type": "order_placed"}).json()
    assert [event["event_id"] for event in listed["events"]] == [event_id]
    assert api.get("/api/v1/events", {"type": "order_placed", "dispatched": "false"}).json()["total"] == 0


def test_the_same_external_id_again_is_answered_200(api: APIClient) -> None:
    first = post(api, "events", {"type": "x", "external_id": "o-1"})
    again = post(api, "events", {"type": "x", "external_id": "o-1", "payload": {"late": True}})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["event_id"] == again.json()["event_id"]
    assert first.json()["source"] == "api"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"type": ""}, 422),
        ({"type": "x", "payload": [1]}, 422),
        ({"type": "x", "data": {}}, 422),
        ({"type": "x" * 256}, 422),
    ],
)
def test_a_wrong_event_is_refused(api: APIClient, body: dict[str, Any], status: int) -> None:
    assert post(api, "events", body).status_code == status
    assert not recorded()


def test_a_time_that_utc_has_no_date_for_filters_nothing(api: APIClient) -> None:
    for wrong in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "soon"):
        answer = api.get("/api/v1/events", {"received_after": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "received_after")
    assert api.get("/api/v1/events", {"received_before": "9999-12-31T23:59:59+14:00"}).status_code == 200


@pytest.mark.parametrize("text", ['{"type": "x", "payload": {"a": "\\u0000"}}', "[" * 100_000, '{"type": NaN}', "{"])
def test_what_no_database_could_store_is_refused(api: APIClient, text: str) -> None:
    answer = api.post("/api/v1/events", text, content_type="application/json")
    assert answer.status_code == 400
    assert not recorded()


def test_a_failed_delivery_is_retried(api: APIClient, tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(input_mapping={"to": "${event.payload.email}"})
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = api.get("/api/v1/deliveries", {"outcome": "failed"}).json()["deliveries"]
    assert post(api, f"deliveries/{delivery['delivery_id']}/retry").json()["attempts"] == 2

    api.patch(f"/api/v1/triggers/{trigger.pk}", {"input_mapping": None}, format="json")
    retried = post(api, f"deliveries/{delivery['delivery_id']}/retry")
    assert (retried.status_code, retried.json()["outcome"]) == (200, "submitted")
    assert post(api, f"deliveries/{delivery['delivery_id']}/retry").status_code == 409


def test_an_event_is_explained_by_every_trigger_of_its_tenant(
    api: APIClient, foreign_api: APIClient, tenant: Tenant, other_tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger(name="a hit", filter_expression={"shop": "eu-*"})
    make_trigger(name="b miss", filter_expression={"shop": "us-*"})
    make_trigger(name="c paused", enabled=False)
    make_trigger(name="d broken", input_mapping={"to": "${event.payload.email}"})
    make_trigger(name="theirs", of=other_tenant)
    event = emit_event(tenant, "order_placed", {"shop": "eu-1"})
    dispatch_events()
    path = f"/api/v1/events/{event.pk}/explain"

    answer = api.get(path)
    assert answer.status_code == 200
    assert (answer.json()["total"], answer.json()["page"]) == (4, 1)
    hit, miss, paused, broken = answer.json()["explanations"]
    assert (hit["trigger_name"], hit["explanation"]["matched"], hit["explanation"]["problem"]) == ("a hit", True, "")
    assert hit["explanation"]["inputs"] == {"shop": "eu-1"}
    assert [delivery["outcome"] for delivery in hit["deliveries"]] == ["submitted"]
    assert miss["explanation"]["conditions"][1] == {
        **{"path": "shop", "wanted": "us-*", "seen": "eu-1"},
        **{"present": True, "ok": False},
    }
    assert (miss["explanation"]["matched"], miss["deliveries"]) == (False, [])
    assert (paused["enabled"], paused["explanation"]["problem"]) == (False, "The trigger is paused.")
    assert [delivery["outcome"] for delivery in broken["deliveries"]] == ["failed"]
    assert "does not exist" in broken["explanation"]["problem"]

    one = api.get(path, {"name": "b miss", "page_size": "1"}).json()
    assert [it["trigger_name"] for it in one["explanations"]] == ["b miss"]
    assert api.get(path, {"colour": "red"}).status_code == 422
    assert foreign_api.get(path).status_code == 404


def test_the_cost_of_explaining_does_not_grow_with_the_triggers(
    api: APIClient,
    tenant: Tenant,
    make_trigger: MakeTrigger,
    make_template: MakeTemplate,
    django_assert_max_num_queries: Any,
) -> None:
    template = make_template()
    for _ in range(5):
        make_trigger(template=template)
    event = emit_event(tenant, "order_placed", {})
    with django_assert_max_num_queries(12):
        assert api.get(f"/api/v1/events/{event.pk}/explain").json()["total"] == 5


def test_events_are_filtered_by_what_they_are_and_when_they_came(
    api: APIClient, tenant: Tenant, move_clock: Callable[..., None]
) -> None:
    emit_event(tenant, "order_placed", {}, source="shop", subject="42")
    move_clock(days=1)
    emit_event(tenant, "order_placed", {}, source="till", subject="43")
    first, second = Event.objects.for_tenant(tenant).filter(type="order_placed").order_by("event_id")

    def found(**asked: str) -> list[str]:
        answer = api.get("/api/v1/events", {"type": "order_placed", **asked})
        assert answer.status_code == 200
        return [event["event_id"] for event in answer.json()["events"]]

    assert found() == [str(second.pk), str(first.pk)]
    assert found(source="shop") == found(subject="42") == found(until=second.received_at.isoformat()) == [str(first.pk)]
    assert found(since=second.received_at.isoformat()) == [str(second.pk)]
    assert api.get("/api/v1/events", {"since": "yesterday"}).json()["errors"][0]["field"] == "since"
