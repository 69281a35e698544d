"""What a run that begins to wait for an event's type has missed."""

from __future__ import annotations

from datetime import datetime

from django.db.models import TextField
from django.db.models.functions import Cast, Length

from highway_automation.base.db.untrusted_json import Unreadable
from runs_app.actions.wake import Happened
from triggers_app.actions.dispatch import LARGEST_STORED
from triggers_app.models import Event

MOST_UNREADABLE = 100


def first_since(tenant_id: str, event_type: str, since: datetime) -> Happened | None:
    """The tenant's first event of this type that was received then or later and can be read."""
    received = Event.objects.for_tenant(tenant_id).filter(type=event_type, received_at__gte=since)
    fitting = received.annotate(stored=Length(Cast("payload", TextField()))).filter(stored__lte=LARGEST_STORED)
    for event in fitting.order_by("received_at", "event_id")[:MOST_UNREADABLE].iterator(chunk_size=1):
        if not isinstance(event.payload, Unreadable):
            return Happened(tenant_id, event_type, event.payload, event.received_at)
    return None
