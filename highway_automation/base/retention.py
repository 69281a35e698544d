"""What may be purged: each room declares its kinds when its app is ready, clean-up looks them up here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from django.db.models import QuerySet

from highway_automation.base import db

BATCH = 500


class Purge(Protocol):
    """Deletes (or, dry, only counts) a tenant's rows of one kind that ended before a time; the number of rows."""

    def __call__(self, tenant_id: str, before: datetime, *, dry_run: bool) -> int: ...


class Keep(StrEnum):
    """For how long a kind is kept by itself: the setting `HIGHWAY_RETENTION_<KEEP>_DAYS`; FOREVER has none."""

    RUNS = "RUNS"
    EVENTS = "EVENTS"
    HISTORY = "HISTORY"
    AUDIT = "AUDIT"
    FOREVER = "FOREVER"


KINDS: dict[str, Purge] = {}
KEPT: dict[str, Keep] = {}


def declare(kind: str, purge: Purge, keep: Keep = Keep.FOREVER) -> None:
    KINDS[kind] = purge
    KEPT[kind] = keep


def purge_rows(rows: QuerySet[Any], *, dry_run: bool, batch: int = BATCH) -> int:
    """Delete the rows (or, dry, only count them) in short transactions; how many.

    Several may do this at once: each takes what no other holds, and a second one finds nothing.
    """
    if dry_run:
        return rows.count()
    purged = 0
    while True:
        with db.atomic():
            held = db.lock_rows(rows.order_by("pk").only("pk"), skip_locked=True)[:batch]
            ids = [row.pk for row in held]
            if ids:
                rows.filter(pk__in=ids).delete()
        purged += len(ids)
        if len(ids) < batch:
            return purged
