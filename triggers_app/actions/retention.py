"""Purging what grows without end: events that were dispatched and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tenants_app.scoping import TenantQuerySet
from triggers_app.models import Event, TriggerDelivery


def purge_events(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Dispatched events received before a time; their deliveries stay and keep the type."""
    old = Event.objects.for_tenant(tenant_id).filter(received_at__lt=before, dispatched_at__isnull=False)
    return _purge(old, Event, dry_run)


def purge_deliveries(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    old = TriggerDelivery.objects.for_tenant(tenant_id).filter(created_at__lt=before)
    return _purge(old, TriggerDelivery, dry_run)


def _purge(rows: TenantQuerySet[Any], model: type[Event | TriggerDelivery], dry_run: bool) -> int:
    return rows.count() if dry_run else rows.delete()[1].get(model._meta.label, 0)
