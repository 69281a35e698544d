"""Whether a trigger's parts fit each other and what it starts, as far as can be told before an event comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from triggers_app.catalogue import PAYLOADS
from triggers_app.conditions import MISSING
from triggers_app.filters import parse
from triggers_app.mapping import FIELD, constants, payload_names
from triggers_app.models import EventTrigger
from triggers_app.targets import Targets

ONE_TARGET = "Name exactly one of template and workflow_definition."
OPEN_ENDED = ("patternProperties", "allOf", "anyOf", "oneOf", "if", "$ref", "$dynamicRef")
"""Keywords by which a schema may know more names than its own `properties`."""


def problems(trigger: EventTrigger, targets: Targets | None = None) -> Iterator[FieldError]:
    """What is wrong with what a trigger starts and with the inputs it maps."""
    template = trigger.template
    if (template is None) == (trigger.workflow_definition is None):
        yield FieldError("workflow_definition" if template is None else "template", ONE_TARGET)
        return
    if template is None:
        if trigger.template_version is not None:
            yield FieldError("template_version", "Only a template has versions.")
        return
    if template.tenant_id != trigger.tenant_id:
        yield FieldError("template", "There is no such template.")
        return
    try:
        schema = (targets or Targets()).schema(trigger)
    except Invalid as error:
        yield from error.field_errors
        return
    if isinstance(trigger.input_mapping, dict) and isinstance(schema, dict):
        yield from _schema_problems(schema, trigger.input_mapping)


def warnings(trigger: EventTrigger, targets: Targets | None = None) -> Iterator[FieldError]:
    """What may be meant so but will hardly work. Asks about a trigger without problems."""
    known = PAYLOADS.get(trigger.event_type)
    if known is not None:
        yield from _unknown_names(trigger, known)
    if trigger.template is not None and trigger.input_mapping is None:
        schema = (targets or Targets()).schema(trigger)
        if isinstance(schema, dict):
            yield from _unmapped(trigger, schema, known)


def _unknown_names(trigger: EventTrigger, known: frozenset[str]) -> Iterator[FieldError]:
    """The product's own events say always the same: another name in a filter never fits."""
    told = f"{trigger.event_type} events have no `{{}}`; they have {', '.join(sorted(known))}."
    for leaf in parse(trigger.filter_expression).leaves:
        names = leaf.path[1:] if leaf.path[0] == "detail" else leaf.path
        if names and names[0] not in {*known, "$event"} and not leaf.accepts(MISSING):
            yield FieldError(f"filter_expression.{'.'.join(leaf.path)}", told.format(names[0]))
    for place, name in payload_names(trigger.input_mapping):
        if name not in known:
            yield FieldError(place, told.format(name))


def _unmapped(trigger: EventTrigger, schema: dict[str, JSON], known: frozenset[str] | None) -> Iterator[FieldError]:
    """Without a mapping the payload is the inputs, and only the product's own payloads are known."""
    lacking = [name for name in needed(schema) if known is None or name not in known]
    if lacking:
        names = ", ".join(f"`{name}`" for name in lacking)
        yield FieldError(
            FIELD,
            f"The event's payload will be the inputs, and the template needs {names}: an event without starts nothing.",
        )
    if schema.get("additionalProperties") is False and (known is None or known - _properties(schema).keys()):
        yield FieldError(
            FIELD, "The event's payload will be the inputs, and the template takes only its own: map those it needs."
        )


def needed(schema: dict[str, JSON]) -> list[str]:
    """The inputs that somebody has to give."""
    properties, required = _properties(schema), schema.get("required")
    given = [name for name, known in properties.items() if isinstance(known, dict) and "default" in known]
    return [name for name in required if name not in given] if isinstance(required, list) else []


def _properties(schema: dict[str, JSON]) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _schema_problems(schema: dict[str, JSON], mapping: dict[str, JSON]) -> Iterator[FieldError]:
    """Inputs the mapping leaves out, makes up, or sets to a constant that the schema refuses. What references will
    bring is not known yet.
    """
    properties = _properties(schema)
    for name in needed(schema):
        if name not in mapping:
            yield FieldError(FIELD, f"The template needs the input `{name}`.")
    if _knows_all(schema):
        for name in mapping.keys() - properties.keys():
            yield FieldError(f"{FIELD}.{name}", f"The template has no such input. {_known(properties)}")
    fixed = {name: value for name, value in constants(mapping).items() if name in properties}
    shared = {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
    try:
        fill_and_validate({**shared, "type": "object", "properties": {name: properties[name] for name in fixed}}, fixed)
    except Invalid as error:
        for problem in error.field_errors:
            if problem.field.startswith("inputs."):  # anything else is the schema's own fault
                yield FieldError(f"{FIELD}.{problem.field.removeprefix('inputs.')}", problem.message)


def _knows_all(schema: dict[str, JSON]) -> bool:
    """Whether a name that is not among `properties` must be a mistake: nobody maps an input that nothing declares.

    `"additionalProperties": true`, written out, says that more is welcome.
    """
    if any(key in schema for key in OPEN_ENDED):
        return False
    return schema.get("additionalProperties", not _properties(schema)) is False


def _known(properties: dict[str, Any]) -> str:
    return f"It has {', '.join(sorted(properties))}." if properties else "It has none."
