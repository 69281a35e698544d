"""Purging what grows without end: events that were dispatched and what became of them."""

from __future__ import annotations

from datetime import datetime

from highway_automation.base.retention import purge_rows
from triggers_app.models import Event, TriggerDelivery


def purge_events(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Dispatched events received before a time; their deliveries stay and keep the type."""
    old = Event.objects.for_tenant(tenant_id).filter(received_at__lt=before, dispatched_at__isnull=False)
    return purge_rows(old, dry_run=dry_run)


def purge_deliveries(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    old = TriggerDelivery.objects.for_tenant(tenant_id).filter(created_at__lt=before)
    return purge_rows(old, dry_run=dry_run)
