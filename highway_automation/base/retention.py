"""What may be purged: each room declares its kinds when its app is ready, clean-up looks them up here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Purge(Protocol):
    """Deletes (or, dry, only counts) a tenant's rows of one kind that ended before a time; the number of rows."""

    def __call__(self, tenant_id: str, before: datetime, *, dry_run: bool) -> int: ...


KINDS: dict[str, Purge] = {}


def declare(kind: str, purge: Purge) -> None:
    KINDS[kind] = purge
