"""Clearing away what is old: finished runs, and on request or by default every kind that a room declared."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q

from highway_automation.base import clock, db
from highway_automation.base.retention import KEPT, KINDS, Keep, purge_rows
from runs_app.models import WorkflowRun
from runs_app.statuses import FINAL, OPEN
from runs_app.tools import work_folder
from tenants_app.models import Tenant

log = logging.getLogger(__name__)
RUNS_AT_ONCE = 100


def purge_runs(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Runs that ended before a time, with their steps and logs. One whose parent still runs stays: it may be asked."""
    open_runs = WorkflowRun.objects.for_tenant(tenant_id).filter(status__in=OPEN)
    family = open_runs.filter(Q(pk=OuterRef("parent_run_id")) | Q(pk=OuterRef("root_run_id")))
    ended = WorkflowRun.objects.for_tenant(tenant_id).filter(status__in=FINAL, finished_at__lt=before)
    return purge_rows(ended.exclude(Exists(family)), dry_run=dry_run, batch=RUNS_AT_ONCE)


def clean_up(
    tenant_id: str,
    before: datetime,
    kinds: Collection[str],
    *,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """Purge (or, dry, count) a tenant's rows of these kinds that are older; how many of each. Stops between kinds."""
    counts = {}
    for kind in kinds:
        if stop():
            break
        counts[kind] = KINDS[kind](tenant_id, before, dry_run=dry_run)
    return counts


def kept_by_default() -> list[str]:
    """The kinds that go by themselves some day; the others only when they are named."""
    return sorted(kind for kind, keep in KEPT.items() if keep is not Keep.FOREVER)


def purge_expired() -> dict[str, int]:
    """Housekeeping: purge every tenant's rows that are past their retention; how many of each kind.

    One that fails is logged and left for the next time.
    """
    purged: dict[str, int] = {}
    for kind, keep in KEPT.items():
        days = 0 if keep is Keep.FOREVER else int(getattr(settings, f"HIGHWAY_RETENTION_{keep}_DAYS"))
        if days <= 0:
            continue
        before = clock.now() - timedelta(days=days)
        for tenant_id in Tenant.objects.values_list("pk", flat=True):
            try:
                count = KINDS[kind](tenant_id, before, dry_run=False)
            except DatabaseError:
                log.exception("Old %s of tenant %s could not be purged", kind, tenant_id)
                db.drop_if_broken()
                continue
            purged[kind] = purged.get(kind, 0) + count
    return purged


def remove_work_folders() -> int:
    """Housekeeping: the folders on this machine of runs that are over or gone; how many."""
    found = dict(work_folder.run_folders())
    still = WorkflowRun.objects.all_tenants().filter(status__in=OPEN, pk__in=list(found)).values_list("pk", flat=True)
    over = set(found) - set(still)
    for run_id in over:
        work_folder.remove(found[run_id])
    return len(over)
