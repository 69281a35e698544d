from __future__ import annotations

from datetime import datetime

from schedules_app.models import ScheduleTick


def purge_ticks(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Forget the tenant's ledger rows decided before a time; the number of rows."""
    rows = ScheduleTick.objects.for_tenant(tenant_id).filter(created_at__lt=before)
    return rows.count() if dry_run else rows.delete()[0]
