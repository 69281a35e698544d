"""One event at one trigger: what became of it, with the run it started or the reason why it started none."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError

from highway_automation.base import clock, db
from highway_automation.base.errors import Conflict, HighwayError, InvalidTransition
from runs_app.actions import submit_run
from runs_app.cause import Cause
from runs_app.expressions import ExpressionError
from triggers_app.explanation import too_deep
from triggers_app.mapping import event_names
from triggers_app.models import LIVE, Event, EventTrigger, Mode, Outcome, TriggerDelivery
from triggers_app.targets import Targets

log = logging.getLogger(__name__)


def deliver(
    event: Event, trigger: EventTrigger, targets: Targets, at: datetime, *, broken: str = "", replay_id: UUID = LIVE
) -> TriggerDelivery:
    """The delivery, not yet saved; the run it names is. `broken`: why the trigger's filter could not be read."""
    delivery = TriggerDelivery(
        tenant_id=event.tenant_id,
        event=event,
        event_type=event.type,
        trigger=trigger,
        trigger_name=trigger.name,
        replay_id=replay_id,
        created_at=at,
        updated_at=at,
    )
    if broken:
        delivery.outcome, delivery.error = Outcome.FAILED, f"The filter cannot be read: {broken}"
    else:
        _decide(delivery, event, trigger, targets)
    return delivery


def retry_delivery(delivery: TriggerDelivery) -> TriggerDelivery:
    """Try a failed delivery again, with the trigger and its template as they are now.

    Raises:
        InvalidTransition: it has not failed.
        Conflict: its event or its trigger is gone.
    """
    with db.atomic():
        rows = TriggerDelivery.objects.for_tenant(delivery.tenant_id).filter(pk=delivery.pk)
        locked = db.lock_rows(rows).get()
        if locked.outcome != Outcome.FAILED:
            raise InvalidTransition(locked, "retry")
        if locked.event is not None and not locked.trigger_name:
            raise Conflict("This event could not be matched with any trigger; send it again, with a sound payload.")
        if locked.event is None or locked.trigger is None:
            raise Conflict("This delivery's event or trigger no longer exists.")
        _decide(locked, locked.event, locked.trigger, Targets())
        locked.attempts += 1
        locked.updated_at = clock.now()
        locked.save()
    return locked


def retry_failed(event: Event) -> list[TriggerDelivery]:
    """Try all failed deliveries of an event again, each for itself. Raises Conflict when there are none to try."""
    rows = TriggerDelivery.objects.for_tenant(event.tenant_id).filter(event=event, outcome=Outcome.FAILED)
    failed = list(rows.exclude(trigger=None).order_by("delivery_id"))
    if not failed:
        raise Conflict("None of this event's deliveries has failed at a trigger that still exists.")
    return [retry_delivery(delivery) for delivery in failed]


def _decide(delivery: TriggerDelivery, event: Event, trigger: EventTrigger, targets: Targets) -> None:
    if event.depth > trigger.max_depth:
        delivery.outcome, delivery.error = Outcome.LOOPED, too_deep(trigger, event)
    elif trigger.mode == Mode.SHADOW:
        delivery.outcome, delivery.error = Outcome.SHADOW, ""
    else:
        _submit(delivery, event, trigger, targets)


def _submit(delivery: TriggerDelivery, event: Event, trigger: EventTrigger, targets: Targets) -> None:
    """In a savepoint, so that a trigger that can't start its run harms nothing but this delivery."""
    try:
        with db.savepoint():
            delivery.workflow_run_id = _start(delivery, event, trigger, targets)
        delivery.outcome, delivery.error = Outcome.SUBMITTED, ""
    except (OperationalError, InterfaceError):  # the database's trouble, not the trigger's
        raise
    except HighwayError as error:
        _fail(delivery, error.lines())
    except ExpressionError as error:
        _fail(delivery, f"input_mapping: {error}")
    except Exception as error:
        log.exception("Trigger %s failed on event %s", trigger.pk, event.pk)
        _fail(delivery, f"{type(error).__name__}: {error}")


def _fail(delivery: TriggerDelivery, reason: str) -> None:
    delivery.outcome, delivery.error = Outcome.FAILED, reason.replace("\x00", "\ufffd")[:10_000]


def _start(delivery: TriggerDelivery, event: Event, trigger: EventTrigger, targets: Targets) -> UUID:
    start = targets.start(trigger, event)
    key = f"event:{trigger.pk}:{event.pk}"
    run, _created = submit_run(
        definition=start.definition,
        inputs=start.inputs,
        cause=Cause("trigger", str(trigger.pk)),
        idempotency_key=key if delivery.replay_id == LIVE else f"{key}:{delivery.replay_id}",
        workflow_name=start.workflow_name,
        template_version=start.version,
        context={"event": event_names(event)},
        depth=event.depth + 1,
    )
    run_id: UUID = run.pk
    return run_id
