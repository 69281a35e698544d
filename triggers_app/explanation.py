"""Why a trigger does or does not answer an event, and what it would start; computed, never stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from highway_automation.base.db.untrusted_json import Unreadable
from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON
from runs_app.expressions import ExpressionError
from triggers_app.filters import Condition, explain
from triggers_app.index import Entry
from triggers_app.listeners import entry_of
from triggers_app.models import Event, EventTrigger, TriggerDelivery
from triggers_app.targets import Targets


@dataclass(frozen=True)
class Explanation:
    """`matched` is about the event alone; `problem` says what else would keep a run from starting."""

    matched: bool
    conditions: tuple[Condition, ...]
    note: str
    inputs: JSON
    problem: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What one trigger says to an event now, and what became of the event there."""

    trigger: EventTrigger
    explanation: Explanation
    deliveries: list[TriggerDelivery]


def explain_event(event: Event, triggers: Iterable[EventTrigger]) -> list[Answer]:
    """The answers of these triggers, which need their `tenant` and `template` loaded."""
    deliveries: dict[UUID | None, list[TriggerDelivery]] = defaultdict(list)
    known = TriggerDelivery.objects.for_tenant(event.tenant_id).filter(event=event).order_by("delivery_id")
    for delivery in known:
        deliveries[delivery.trigger_id].append(delivery)
    targets = Targets()
    return [Answer(trigger, explain_trigger(trigger, event, targets), deliveries[trigger.pk]) for trigger in triggers]


def explain_trigger(trigger: EventTrigger, event: Event, targets: Targets | None = None) -> Explanation:
    """Every condition of the trigger with what the event has there. Neither needs to be a stored one."""
    if isinstance(event.payload, Unreadable):
        return Explanation(False, (), "", None, f"payload: {event.payload.reason}")
    try:
        entry = entry_of(trigger)
    except ValueError as error:
        return Explanation(False, (), "", None, str(error))
    verdict = explain(entry.filter, event.envelope)
    heading = tuple(_heading(entry, event))
    matched = verdict.matched and all(condition.ok for condition in heading)
    inputs, problem = _outcome(trigger, event, targets or Targets()) if matched else (None, "")
    return Explanation(matched, (*heading, *verdict.conditions), verdict.note, inputs, problem)


def _heading(entry: Entry[UUID], event: Event) -> Iterator[Condition]:
    for name, glob in (("type", entry.event_type), ("source", entry.source), ("subject", entry.subject)):
        if glob is not None:
            seen = getattr(event, name)
            yield Condition(f"$event.{name}", glob.pattern, seen, True, glob.matches(seen))


def _outcome(trigger: EventTrigger, event: Event, targets: Targets) -> tuple[JSON, str]:
    if event.depth > trigger.max_depth:
        return None, too_deep(trigger, event)
    try:
        return targets.inputs(trigger, event), "" if trigger.enabled else "The trigger is paused."
    except ExpressionError as error:
        return None, f"input_mapping: {error}"
    except HighwayError as error:
        return None, error.lines()


def too_deep(trigger: EventTrigger, event: Event) -> str:
    return f"{event.depth} events and their runs led to this one; this trigger stops after {trigger.max_depth}."
