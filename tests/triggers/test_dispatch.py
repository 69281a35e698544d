from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from highway_automation.base import queue
from runs_app.models import WorkflowRun
from tenants_app.actions import resume_tenant, stop_tenant
from tenants_app.models import Tenant
from tests.triggers.conftest import LOGGING, MakeTrigger, deliveries, runs
from triggers_app.actions import (
    Causation,
    dispatch_events,
    emit_event,
    pause_trigger,
    resume_trigger,
    retry_delivery,
    sweep,
    update_trigger,
)
from triggers_app.actions.dispatch import BATCH
from triggers_app.index import Index
from triggers_app.models import Event, EventTrigger, TriggerRevision


def test_an_event_starts_the_workflow_of_a_matching_trigger(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(filter_expression={"shop": "eu-*"})
    event = emit_event(tenant, "order_placed", {"shop": "eu-1"}, subject="42")

    assert dispatch_events() == 1

    (run,) = runs(tenant)
    assert run.inputs == {"shop": "eu-1"}
    assert (run.cause_kind, run.cause_id, run.depth) == ("trigger", str(trigger.pk), 1)
    assert run.context["event"]["subject"] == "42"
    assert run.context["event"]["payload"] == {"shop": "eu-1"}
    (delivery,) = deliveries(tenant)
    assert (delivery.outcome, delivery.workflow_run_id, delivery.event_id) == ("submitted", run.pk, event.pk)
    event.refresh_from_db()
    assert event.dispatched_at is not None


def test_the_run_of_an_event_completes(tenant: Tenant, make_trigger: MakeTrigger, drive: Callable[[], int]) -> None:
    make_trigger()
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    drive()

    assert [run.status for run in runs(tenant)] == ["completed"]


@pytest.mark.parametrize(
    ("values", "happens"),
    [
        ({}, True),
        ({"event_type": "order_*"}, True),
        ({"event_type": "order"}, False),
        ({"filter_expression": {"shop": "us-*"}}, False),
        ({"source_match": "shop-*"}, True),
        ({"source_match": "other"}, False),
        ({"subject_match": "4?"}, True),
        ({"subject_match": "5*"}, False),
        ({"enabled": False}, False),
    ],
)
def test_what_a_trigger_answers(
    tenant: Tenant, make_trigger: MakeTrigger, values: dict[str, object], happens: bool
) -> None:
    make_trigger(**values)
    emit_event(tenant, "order_placed", {"shop": "eu-1"}, source="shop-eu", subject="42")
    dispatch_events()

    assert len(runs(tenant)) == len(deliveries(tenant)) == happens


def test_an_event_is_dispatched_once(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger()
    event = emit_event(tenant, "order_placed", {})
    dispatch_events()
    dispatch_events()
    Event.objects.for_tenant(tenant).filter(pk=event.pk).update(dispatched_at=None)
    dispatch_events()

    assert len(runs(tenant)) == len(deliveries(tenant)) == 1


def test_another_tenants_trigger_hears_nothing(tenant: Tenant, other_tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(of=other_tenant)
    make_trigger(event_type="something_else")
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    assert not runs(tenant) and not runs(other_tenant)


def test_an_event_nobody_listens_to_is_dispatched_at_once_and_rings_for_nobody(tenant: Tenant) -> None:
    event = emit_event(tenant, "order_placed", {})

    assert event.dispatched_at == event.received_at
    assert not sweep()


def test_the_doorbell_rings_after_commit(
    tenant: Tenant, make_trigger: MakeTrigger, django_capture_on_commit_callbacks: Callable[[], Any]
) -> None:
    make_trigger()
    with django_capture_on_commit_callbacks() as emitting:
        for _ in range(3):
            emit_event(tenant, "order_placed", {})
    with django_capture_on_commit_callbacks() as dispatching:
        dispatch_events()

    assert [bell.task for bell in emitting] == [queue.DISPATCH_EVENTS]
    assert {bell.task for bell in dispatching} == {queue.WORK}


def test_a_sweep_rings_for_undispatched_events(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger()
    emit_event(tenant, "order_placed", {})
    assert sweep()
    dispatch_events()
    assert not sweep()


def test_a_new_trigger_is_heard_without_a_restart(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(event_type="something_else")
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    trigger = make_trigger()
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    assert len(runs(tenant)) == 1

    update_trigger(trigger, {"filter_expression": {"shop": "eu"}})
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    assert len(runs(tenant)) == 1


def test_a_paused_trigger_lets_events_pass_by(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(event_type="something_else")
    trigger = make_trigger()
    pause_trigger(trigger)
    pause_trigger(trigger)
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    resume_trigger(trigger)
    dispatch_events()
    assert not runs(tenant)

    emit_event(tenant, "order_placed", {})
    dispatch_events()
    assert len(runs(tenant)) == 1


def test_a_trigger_paused_behind_the_index_gets_no_delivery(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    EventTrigger.objects.for_tenant(tenant).filter(pk=trigger.pk).update(enabled=False)
    make_trigger(event_type="keeps_listening")
    Event.objects.for_tenant(tenant).create(type="order_placed")
    dispatch_events()

    assert len(deliveries(tenant)) == 1
    assert not sweep()


def test_a_bad_trigger_fails_alone_and_with_its_reason(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(name="needs a name", input_mapping={"to": "${event.payload.email}"})
    make_trigger(name="good")
    emit_event(tenant, "order_placed", {})
    emit_event(tenant, "order_placed", {"email": "a@example.com"})
    dispatch_events()

    assert [(d.trigger_name, d.outcome) for d in deliveries(tenant)] == [
        ("needs a name", "failed"),
        ("good", "submitted"),
        ("needs a name", "submitted"),
        ("good", "submitted"),
    ]
    assert "`event.payload.email` does not exist" in deliveries(tenant)[0].error
    assert [run.inputs for run in runs(tenant)][1] == {"to": "a@example.com"}
    assert not sweep()


def test_a_filter_broken_by_sql_fails_its_deliveries_and_nothing_else(
    tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    broken, good = make_trigger(name="broken"), make_trigger(name="good")
    EventTrigger.objects.for_tenant(tenant).filter(pk=broken.pk).update(filter_expression={"a": []})
    update_trigger(good, {"max_depth": 3})
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    outcomes = {delivery.trigger_name: delivery for delivery in deliveries(tenant)}
    assert outcomes["good"].outcome == "submitted"
    assert outcomes["broken"].outcome == "failed"
    assert "a: An empty list matches nothing" in outcomes["broken"].error


def test_a_stopped_tenant_starts_nothing_and_a_retry_makes_up_for_it(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger()
    stop_tenant(tenant)
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = deliveries(tenant)
    assert (delivery.outcome, delivery.error) == ("failed", "The tenant is stopped.")
    assert not runs(tenant)

    resume_tenant(tenant)
    retried = retry_delivery(delivery)
    assert (retried.outcome, retried.attempts, retried.error) == ("submitted", 2, "")
    assert [run.pk for run in runs(tenant)] == [retried.workflow_run_id]


def test_a_payload_written_by_sql_that_is_no_object_fails_with_the_reason(
    tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger()
    Event.objects.for_tenant(tenant).create(type="order_placed", payload=["not", "an", "object"])
    dispatch_events()

    (delivery,) = deliveries(tenant)
    assert delivery.outcome == "failed"
    assert "no JSON object" in delivery.error


def test_a_shadow_trigger_records_and_starts_nothing(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(mode="shadow")
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    assert [delivery.outcome for delivery in deliveries(tenant)] == ["shadow"]
    assert not runs(tenant)


def test_a_chain_of_events_and_runs_ends_at_the_triggers_depth(
    tenant: Tenant, make_trigger: MakeTrigger, drive: Callable[[], int]
) -> None:
    make_trigger(event_type="workflow_completed", max_depth=2)
    make_trigger()
    emit_event(tenant, "order_placed", {})
    for _ in range(6):
        dispatch_events()
        drive()

    assert [run.depth for run in runs(tenant)] == [1, 2, 3]
    assert [delivery.outcome for delivery in deliveries(tenant)] == ["submitted"] * 3 + ["looped"]
    assert "this trigger stops after 2" in deliveries(tenant)[-1].error
    last = Event.objects.for_tenant(tenant).latest("event_id")
    assert last.depth == 3
    assert last.causation_run_id == runs(tenant)[-1].pk
    assert last.causation_event_id == Event.objects.for_tenant(tenant).order_by("-event_id")[1].pk


def test_depth_comes_from_the_causation(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(max_depth=0)
    emit_event(tenant, "order_placed", {}, causation=Causation(event_id=uuid4(), depth=1))
    dispatch_events()

    assert [delivery.outcome for delivery in deliveries(tenant)] == ["looped"]


def test_an_event_with_more_triggers_than_a_batch_reaches_them_all(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    first = make_trigger()
    copies = [
        EventTrigger(
            tenant=tenant,
            name=f"copy {number}",
            event_type="order_placed",
            workflow_definition=LOGGING,
            definition=first.definition,
        )
        for number in range(BATCH + 20)
    ]
    EventTrigger.objects.for_tenant(tenant).bulk_create(copies)
    emit_event(tenant, "order_placed", {})
    emit_event(tenant, "order_placed", {})

    assert dispatch_events() == 2
    assert len(runs(tenant)) == len(deliveries(tenant)) == 2 * (BATCH + 21)


def test_many_events_are_dispatched_in_order(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger()
    for number in range(BATCH + 5):
        emit_event(tenant, "order_placed", {"number": number})

    assert dispatch_events() == BATCH + 5
    assert [run.inputs["number"] for run in runs(tenant)] == list(range(BATCH + 5))


def test_a_matcher_that_fails_does_not_stop_the_events_behind(
    tenant: Tenant, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trigger(filter_expression={"n": 1})
    emit_event(tenant, "order_placed", {"n": "poison"})
    emit_event(tenant, "order_placed", {"n": 1})
    match = Index.match
    monkeypatch.setattr(
        Index, "match", lambda self, event: 1 / 0 if event.payload["n"] == "poison" else match(self, event)
    )
    dispatch_events()

    assert [(delivery.outcome, delivery.trigger_name) for delivery in deliveries(tenant)] == [
        ("failed", ""),
        ("submitted", "order_placed-1"),
    ]
    assert not sweep()


def test_every_write_of_a_trigger_changes_the_tenants_stamp(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    stamps = set()
    trigger = make_trigger()
    for write in (pause_trigger, resume_trigger, lambda row: update_trigger(row, {"max_depth": 1})):
        stamps.add(TriggerRevision.objects.get(tenant=tenant).stamp)
        write(trigger)
    stamps.add(TriggerRevision.objects.get(tenant=tenant).stamp)

    assert len(stamps) == 4


def test_the_number_of_queries_of_a_batch_does_not_grow_with_events_that_match_nothing(
    tenant: Tenant, make_trigger: MakeTrigger, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    make_trigger(filter_expression={"shop": "nowhere"})
    for _ in range(BATCH - 1):
        emit_event(tenant, "order_placed", {"shop": "eu"})
    with django_assert_max_num_queries(15):  # type: ignore[attr-defined]
        assert dispatch_events() == BATCH - 1
    assert not WorkflowRun.objects.for_tenant(tenant).exists()
