from __future__ import annotations

from datetime import datetime

from highway_automation.base.retention import purge_rows
from schedules_app.models import ScheduleTick


def purge_ticks(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Forget the tenant's ledger rows decided before a time; the number of rows."""
    rows = ScheduleTick.objects.for_tenant(tenant_id).filter(created_at__lt=before)
    return purge_rows(rows, dry_run=dry_run)
