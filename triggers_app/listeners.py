"""Each process's index of a tenant's triggers: built when first asked, again when the tenant's stamp has changed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from highway_automation.base.db.untrusted_json import Unreadable
from triggers_app.filters import FilterError, parse
from triggers_app.globs import Glob, compile_glob
from triggers_app.index import Entry, Index
from triggers_app.models import EventTrigger, TriggerRevision

OLDEST_SECONDS = 60.0
"""A change made past the verbs (SQL) is noticed after this time at the latest."""
MOST_TENANTS = 500


@dataclass(frozen=True)
class Listeners:
    """`broken`: triggers whose filter can't be read (they were written past the verbs), with the reason."""

    stamp: UUID | None
    built: float
    index: Index[UUID]
    broken: Mapping[UUID, str]


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Listeners] = OrderedDict()

    def get(self, tenant_id: str, stamp: UUID | None) -> Listeners:
        """The tenant's listeners as of `stamp` or later."""
        with self._lock:
            known = self._known.get(tenant_id)
            if known is not None and _fresh(known, stamp):
                self._known.move_to_end(tenant_id)
                return known
        built = _build(tenant_id, stamp)
        with self._lock:
            self._known[tenant_id] = built
            self._known.move_to_end(tenant_id)
            while len(self._known) > MOST_TENANTS:
                self._known.popitem(last=False)
        return built

    def forget(self, tenant_id: str) -> None:
        with self._lock:
            self._known.pop(tenant_id, None)


cache = Cache()


def listeners_of(tenant_ids: Collection[str]) -> dict[str, Listeners]:
    """One query for the stamps of all, and one for each tenant whose triggers changed since they were read here."""
    stamps = dict(TriggerRevision.objects.filter(tenant_id__in=tenant_ids).values_list("tenant_id", "stamp"))
    return {tenant_id: cache.get(tenant_id, stamps.get(tenant_id)) for tenant_id in tenant_ids}


def _fresh(known: Listeners, stamp: UUID | None) -> bool:
    return stamp is not None and known.stamp == stamp and time.monotonic() - known.built < OLDEST_SECONDS


def _build(tenant_id: str, stamp: UUID | None) -> Listeners:
    entries: list[Entry[UUID]] = []
    broken: dict[UUID, str] = {}
    enabled = EventTrigger.objects.for_tenant(tenant_id).filter(enabled=True).order_by("trigger_id")
    for trigger in enabled.only(*COLUMNS).iterator():
        try:
            entries.append(entry_of(trigger))
        except (FilterError, ValueError) as error:
            broken[trigger.pk] = str(error)
            entries.append(Entry(trigger.pk, compile_glob(trigger.event_type), parse(None)))
    return Listeners(stamp, time.monotonic(), Index(entries), broken)


COLUMNS = ("trigger_id", "tenant_id", "event_type", "filter_expression", "source_match", "subject_match")


def entry_of(trigger: EventTrigger) -> Entry[UUID]:
    """The trigger as the index sees it. Raises FilterError, ValueError for what could not have been saved."""
    if isinstance(trigger.filter_expression, Unreadable):
        raise ValueError(trigger.filter_expression.reason)
    return Entry(
        trigger.pk,
        compile_glob(trigger.event_type),
        parse(trigger.filter_expression),
        _glob(trigger.source_match),
        _glob(trigger.subject_match),
    )


def _glob(pattern: str) -> Glob | None:
    return compile_glob(pattern) if pattern else None
