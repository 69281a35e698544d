"""Runs that wait for an event by its type go on with it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import InterfaceError, OperationalError

from highway_automation.base import db
from highway_automation.base.db.untrusted_json import Unreadable
from runs_app.actions.wake import Happened, wake_for_events
from triggers_app.models import Event

log = logging.getLogger(__name__)


def wake(events: Iterable[Event]) -> None:
    """In the caller's transaction. An event that cannot wake its waiters keeps no other from doing so."""
    readable = [event for event in events if not isinstance(event.payload, Unreadable)]
    happened = [_happened(event) for event in readable]
    if happened and not _woken(happened):
        for one in happened:
            _woken([one])


def _happened(event: Event) -> Happened:
    return Happened(event.tenant_id, event.type, event.payload, event.received_at)


def _woken(happened: list[Happened]) -> bool:
    try:
        with db.savepoint():
            wake_for_events(happened)
    except (OperationalError, InterfaceError):  # the database's trouble, not the event's
        raise
    except Exception:
        log.exception("Nobody could be woken for %s", ", ".join(event.name for event in happened))
        return False
    return True
