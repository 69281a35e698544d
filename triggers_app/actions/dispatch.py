"""From events to runs: in batches, each one transaction of matches, runs, deliveries and `dispatched_at`.

Whoever claims an event holds its row until the batch commits, so any number of dispatchers may run at once. What a
trigger does wrong is its delivery's failure; only the database's own trouble undoes a batch, which comes again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast, Length

from highway_automation.base import clock, db
from highway_automation.base.db.untrusted_json import Unreadable
from triggers_app.actions.deliver import deliver
from triggers_app.actions.wake import wake
from triggers_app.listeners import Listeners, cache, listeners_of
from triggers_app.models import LIVE, Event, EventTrigger, Outcome, TriggerDelivery
from triggers_app.targets import Targets

BATCH = 50
"""Events, and at most as many deliveries, of one transaction: short enough for a database with one writer."""
LARGEST_STORED = 8 * 1024 * 1024
"""Characters of a stored payload; what a verb took is smaller in every spelling that a database may store it in."""
TOO_LARGE = Unreadable(f"It is larger than {LARGEST_STORED // 1024**2} MiB.")

log = logging.getLogger(__name__)


def dispatch_events() -> int:
    """Decide every undispatched event that no other dispatcher holds; returns how many were finished."""
    finished = 0
    while True:
        batch = dispatch_batch()
        finished += batch.finished
        if not batch.more:
            return finished


@dataclass(frozen=True)
class Batch:
    """What one transaction did. `more`: there may be undispatched events left."""

    finished: int
    more: bool


def dispatch_batch() -> Batch:
    with db.atomic():
        events = _claim()
        if not events:
            return Batch(0, more=False)
        work = _plan(events, clock.now())
        TriggerDelivery.objects.all_tenants().bulk_create([*work.failures, *_deliver(work)])
        wake(event for event in events if event.pk in work.done)
        Event.objects.all_tenants().filter(pk__in=work.done).update(dispatched_at=work.at)
    return Batch(len(work.done), more=len(events) == BATCH or len(work.done) < len(events))


def _claim() -> list[Event]:
    """Undispatched events, oldest first. Their payloads are read apart: SQL may have written one of any size."""
    waiting = Event.objects.all_tenants().filter(dispatched_at__isnull=True).order_by("event_id").defer("payload")
    events = list(db.lock_rows(waiting, skip_locked=True)[:BATCH])
    sized = Event.objects.all_tenants().annotate(stored=Length(Cast("payload", TextField())))
    fitting = sized.filter(pk__in=[event.pk for event in events], stored__lte=LARGEST_STORED)
    payloads = dict(fitting.values_list("pk", "payload"))
    for event in events:
        event.payload = payloads.get(event.pk, TOO_LARGE)
    return events


class Match(NamedTuple):
    """An event and a trigger it fits; `broken` says why that trigger's filter could not be read."""

    event: Event
    trigger_id: UUID
    broken: str


@dataclass
class Work:
    """What a batch has to do, and the events that are finished by it."""

    at: datetime
    todo: list[Match] = field(default_factory=list)
    failures: list[TriggerDelivery] = field(default_factory=list)
    done: list[UUID] = field(default_factory=list)


def _plan(events: Sequence[Event], at: datetime) -> Work:
    """An event that matches more triggers than the batch has room for goes on in the next one."""
    work = Work(at)
    listeners = listeners_of({event.tenant_id for event in events})
    already = _delivered(events)
    for event in events:
        known = listeners[event.tenant_id]
        keys = (key for key in _match(event, known, work) if (event.pk, key) not in already)
        work.todo.extend(Match(event, key, known.broken.get(key, "")) for key in keys)
        if len(work.todo) > BATCH:
            del work.todo[BATCH:]
            break
        work.done.append(event.pk)
    return work


def _match(event: Event, listeners: Listeners, work: Work) -> list[UUID]:
    if isinstance(event.payload, Unreadable):
        work.failures.append(_failure(event, f"The payload cannot be read: {event.payload.reason}", work.at))
        return []
    try:
        return listeners.index.match(event.envelope)
    except Exception as error:  # a fault of the matcher must not stop the events behind this one
        log.exception("Event %s could not be matched", event.pk)
        work.failures.append(_failure(event, f"The event could not be matched: {error}", work.at))
        return []


def _failure(event: Event, reason: str, at: datetime) -> TriggerDelivery:
    """What is left of an event that reached no trigger."""
    about = {"tenant_id": event.tenant_id, "event": event, "event_type": event.type}
    return TriggerDelivery(outcome=Outcome.FAILED, error=reason, created_at=at, updated_at=at, **about)


def _delivered(events: Sequence[Event]) -> set[tuple[UUID | None, UUID | None]]:
    """What an earlier batch did for an event that it had no room to finish."""
    rows = TriggerDelivery.objects.all_tenants().filter(event__in=[event.pk for event in events], replay_id=LIVE)
    return set(rows.values_list("event_id", "trigger_id"))


def _deliver(work: Work) -> list[TriggerDelivery]:
    """Triggers are read as they stand now: one paused or deleted since the index was built gets no delivery."""
    enabled = EventTrigger.objects.all_tenants().filter(enabled=True)
    rows = enabled.select_related("tenant", "template", "definition").in_bulk({match.trigger_id for match in work.todo})
    targets = Targets()
    deliveries = []
    for event, trigger_id, broken in work.todo:
        if trigger_id in rows:
            deliveries.append(deliver(event, rows[trigger_id], targets, work.at, broken=broken))
        else:
            cache.forget(event.tenant_id)
    return deliveries
