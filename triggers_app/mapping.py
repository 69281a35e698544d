"""From an event to a run's inputs: a JSON object whose texts may hold references to the event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from highway_automation.base.db.untrusted_json import Unreadable
from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.safe_json import JSON, UnsafeJSON, check
from runs_app.expressions import Names, TemplateError, parse_template, references, resolve
from triggers_app.models import Event

FIELD = "input_mapping"
EVENT_NAMES = (
    "event_id", "id", "type", "source", "subject", "external_id", "occurred_at", "received_at", "depth", "payload",
)  # fmt: skip
ELSEWHERE = frozenset({"input", "inputs", "steps", "run", "workflow", "schedule", "env", "ENV", "secrets"})


def event_names(event: Event) -> dict[str, Any]:
    """What `event.*` means, in a mapping and in the run it starts."""
    return {
        "event_id": str(event.pk),
        "id": str(event.pk),
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "external_id": event.external_id,
        "occurred_at": event.occurred_at.isoformat(),
        "received_at": event.received_at.isoformat(),
        "depth": event.depth,
        "payload": event.payload,
    }


def map_inputs(mapping: JSON, event: Event) -> JSON:
    """The inputs that a mapping makes of an event: `event.*` and the payload's own keys are its names.

    No mapping (None) means that the payload is the inputs. Raises ExpressionError, such as MissingName, and Invalid
    for what SQL wrote and nobody can read.
    """
    for field, value in ((FIELD, mapping), ("payload", event.payload)):
        if isinstance(value, Unreadable):
            raise Invalid(f"{field}: {value.reason}", errors=[FieldError(field, value.reason)])
    if mapping is None:
        return event.payload
    return resolve(mapping, Names(inputs=event.payload, event=event_names(event)))


def mapping_problems(mapping: JSON) -> Iterator[FieldError]:
    """What can be told without an event: its shape, its references and what they name."""
    if mapping is None:
        return
    if isinstance(mapping, Unreadable):
        yield FieldError(FIELD, mapping.reason)
        return
    if not isinstance(mapping, dict):
        yield FieldError(FIELD, 'A mapping is an object such as {"to": "${event.payload.email}"}.')
        return
    try:
        check(mapping)
    except UnsafeJSON as error:
        yield FieldError(FIELD, str(error))
        return
    for key, value in mapping.items():
        yield from (FieldError(f"{FIELD}.{key}", message) for message in _value_problems(value))


def _value_problems(value: JSON) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _value_problems(item)
    elif isinstance(value, str):
        try:
            paths = [reference.path for reference in parse_template(value).references]
        except TemplateError as error:
            yield str(error)
            return
        yield from (message for path in paths for message in _path_problems(path))


def _path_problems(path: tuple[str | int, ...]) -> Iterator[str]:
    if path[0] in ELSEWHERE:
        yield f"`{path[0]}` has no meaning here; a mapping reads event.* and the payload's own keys."
    if path[0] == "event" and (len(path) < 2 or path[1] not in EVENT_NAMES):
        yield f"Of the event there are {', '.join(f'event.{name}' for name in EVENT_NAMES)}."


def payload_names(mapping: JSON) -> Iterator[tuple[str, str]]:
    """(place, name) of each name of the payload that a sound mapping needs."""
    for key, value in mapping.items() if isinstance(mapping, dict) else ():
        for path in (reference.path for reference in references(value) if not reference.has_default):
            if path[:2] == ("event", "payload"):
                path = path[2:]
            if path and path[0] != "event" and isinstance(path[0], str):
                yield f"{FIELD}.{key}", path[0]


def constants(mapping: dict[str, JSON]) -> dict[str, JSON]:
    """The inputs that are known before any event: those without a reference."""
    return {key: value for key, value in mapping.items() if not any(references(value))}
