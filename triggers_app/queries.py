"""Reading that more than one door needs."""

from __future__ import annotations

from typing import Any

from highway_automation.base import clock
from triggers_app.models import Event, EventTrigger


def sample_event(trigger: EventTrigger, payload: dict[str, Any], **envelope: str) -> Event:
    """An event that never happened, to test a trigger with; its type is the trigger's unless given."""
    at = clock.now()
    return Event(
        tenant_id=trigger.tenant_id,
        type=envelope.get("type") or trigger.event_type,
        source=envelope.get("source") or "api",
        subject=envelope.get("subject", ""),
        payload=payload,
        occurred_at=at,
        received_at=at,
    )


def recent_events(tenant_id: str, event_type: str, most: int) -> list[Event]:
    """The tenant's latest events, those of this type first."""
    rows = Event.objects.for_tenant(tenant_id).order_by("-event_id")
    of_type = list(rows.filter(type=event_type)[:most])
    return [*of_type, *rows.exclude(type=event_type)[: most - len(of_type)]]
