"""Several dispatchers and senders at the same moment, each with a connection of its own."""

from __future__ import annotations

import pytest

from tenants_app.models import Tenant
from tests.together import at_once
from tests.triggers.conftest import MakeTrigger, deliveries, runs
from triggers_app.actions import dispatch_events, emit_event, record_event, sweep
from triggers_app.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def test_dispatchers_side_by_side_start_each_run_once(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(name="first")
    make_trigger(name="second", filter_expression={"n": list(range(100))})
    for number in range(150):
        emit_event(tenant, "order_placed", {"n": number})

    finished = at_once(*[dispatch_events] * 4)
    dispatch_events()

    assert sum(finished) <= 150
    assert not sweep()
    assert len(runs(tenant)) == len(deliveries(tenant)) == 250
    assert len({(delivery.event_id, delivery.trigger_id) for delivery in deliveries(tenant)}) == 250


def test_one_external_id_from_many_senders_at_once_is_one_event(tenant: Tenant) -> None:
    results = at_once(*[lambda: record_event(tenant, "order_placed", {}, external_id="o-1")[0].pk] * 6)

    assert len(set(results)) == Event.objects.for_tenant(tenant).count() == 1


def test_triggers_numbered_at_once_get_different_names(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    names = at_once(*[lambda: make_trigger().name] * 5)

    assert sorted(names) == [f"order_placed-{number}" for number in range(1, 6)]
