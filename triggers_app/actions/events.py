"""Recording what happened: the row joins the caller's transaction, the doorbell rings after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from highway_automation.base import clock, db, queue, safe_json
from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.safe_json import JSON
from runs_app.actions.wake import is_waited_for
from tenants_app.models import Tenant
from tenants_app.scoping import tenant_key
from triggers_app.models import Event, EventTrigger

SOURCE = "highway"
LONGEST = 255
LARGEST_PAYLOAD = 1024 * 1024


@dataclass(frozen=True)
class Causation:
    """What led to an event: the event and the run before it, and how many events and their runs came before."""

    event_id: UUID | None = None
    run_id: UUID | None = None
    depth: int = 0


def emit_event(
    tenant: Tenant | str,
    type: str,
    payload: JSON,
    *,
    external_id: str | None = None,
    source: str = SOURCE,
    subject: str = "",
    occurred_at: datetime | None = None,
    causation: Causation | None = None,
) -> Event:
    """An event in the tenant's outbox, in the caller's transaction; its triggers start runs after the commit.

    With an `external_id` that the source used before, the first event is returned. Raises Invalid.
    """
    return record_event(
        tenant,
        type,
        payload,
        external_id=external_id,
        source=source,
        subject=subject,
        occurred_at=occurred_at,
        causation=causation,
    )[0]


def record_event(
    tenant: Tenant | str,
    type: str,
    payload: JSON,
    *,
    external_id: str | None = None,
    source: str = SOURCE,
    subject: str = "",
    occurred_at: datetime | None = None,
    causation: Causation | None = None,
) -> tuple[Event, bool]:
    """As `emit_event`, and whether the event is new."""
    external_id, came_from = external_id or None, causation or Causation()
    _check(payload, type=type, source=source, subject=subject, external_id=external_id or "")
    with transaction.atomic(savepoint=False):  # part of the caller's transaction, or one of its own
        at = clock.now()
        event = Event(
            tenant_id=tenant_key(tenant),
            type=type,
            source=source,
            subject=subject,
            payload=payload,
            external_id=external_id,
            occurred_at=occurred_at or at,
            received_at=at,
            causation_event_id=came_from.event_id,
            causation_run_id=came_from.run_id,
            depth=came_from.depth,
        )
        return _insert(event)


def _check(payload: JSON, **texts: str) -> None:
    problems = [*_text_problems(texts), *_payload_problems(payload)]
    if problems:
        told = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise Invalid(f"This event cannot be recorded. {told}", errors=problems)


def _text_problems(texts: Mapping[str, Any]) -> Iterator[FieldError]:
    for name, text in texts.items():
        if not isinstance(text, str) or len(text) > LONGEST or safe_json.UNSTORABLE.search(text):
            yield FieldError(name, f"Give a text of at most {LONGEST} characters without NUL.")
        elif not text and name in ("type", "source"):
            yield FieldError(name, "This is needed.")


def _payload_problems(payload: JSON) -> Iterator[FieldError]:
    if not isinstance(payload, dict):
        yield FieldError("payload", "A payload is a JSON object.")
        return
    try:
        bytes_ = safe_json.size(safe_json.check(payload))
    except safe_json.UnsafeJSON as error:
        yield FieldError("payload", str(error))
        return
    if bytes_ > LARGEST_PAYLOAD:
        yield FieldError("payload", f"It has {bytes_} bytes; at most {LARGEST_PAYLOAD} are allowed.")


def _insert(event: Event) -> tuple[Event, bool]:
    """An event that nobody listens to is dispatched by being recorded: matching it would find nothing."""
    first = _first(event)
    if first is not None:
        return first, False
    triggers = EventTrigger.objects.for_tenant(event.tenant_id).filter(enabled=True)
    listened = triggers.exists() or is_waited_for(event.tenant_id, event.type)
    event.dispatched_at = None if listened else event.received_at
    try:
        _save(event)
    except IntegrityError:
        first = _first(event)
        if first is None:
            raise
        return first, False
    if listened:
        queue.ring(queue.DISPATCH_EVENTS)
    return event, True


def _first(event: Event) -> Event | None:
    if event.external_id is None:
        return None
    same = Event.objects.for_tenant(event.tenant_id).filter(source=event.source, external_id=event.external_id)
    return same.first()


def _save(event: Event) -> None:
    if event.external_id is None:  # nothing it could clash with: no savepoint to pay for
        event.save(force_insert=True)
        return
    with db.savepoint():
        event.save(force_insert=True)
