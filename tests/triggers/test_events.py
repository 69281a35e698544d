from __future__ import annotations

from typing import Any

import pytest

from highway_automation.base.errors import Invalid
from tenants_app.models import Tenant
from triggers_app.actions import emit_event, record_event
from triggers_app.models import Event


def test_the_same_external_id_again_is_the_first_event(tenant: Tenant) -> None:
    first, new = record_event(tenant, "order_placed", {"n": 1}, external_id="o-1")
    again, new_again = record_event(tenant, "order_placed", {"n": 2}, external_id="o-1")

    assert (new, new_again) == (True, False)
    assert again.pk == first.pk
    assert again.payload == {"n": 1}


def test_an_external_id_belongs_to_its_source_and_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    events = {
        emit_event(tenant, "order_placed", {}, external_id="o-1").pk,
        emit_event(tenant, "order_placed", {}, external_id="o-1", source="shop").pk,
        emit_event(other_tenant, "order_placed", {}, external_id="o-1").pk,
        emit_event(tenant, "order_placed", {}).pk,
        emit_event(tenant, "order_placed", {}).pk,
    }
    assert len(events) == 5


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": ""}, "type"),
        ({"type": "x" * 256}, "type"),
        ({"type": "a\x00b"}, "type"),
        ({"source": ""}, "source"),
        ({"subject": "x" * 256}, "subject"),
        ({"external_id": "\ud800"}, "external_id"),
        ({"payload": ["a"]}, "payload"),
        ({"payload": {"a": float("nan")}}, "payload"),
        ({"payload": {"a": "\x00"}}, "payload"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(tenant: Tenant, values: dict[str, Any], field: str) -> None:
    event: dict[str, Any] = {"type": "order_placed", "payload": {}, **values}
    with pytest.raises(Invalid) as refused:
        emit_event(tenant, **event)

    assert [error["field"] for error in refused.value.errors] == [field]
    assert not Event.objects.for_tenant(tenant).exists()
