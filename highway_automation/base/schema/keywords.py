"""JSON Schema's keywords with what hostile schemas and inputs could abuse replaced, and all of them counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from highway_automation.base.schema.budget import nested, spend
from highway_automation.base.schema.formats import CHECKER
from highway_automation.base.schema.patterns import found
from highway_automation.base.schema.structure import JSON

Errors = Iterator[ValidationError]
Keyword = Callable[[Any, JSON, JSON, Mapping[str, JSON]], Errors | None]


def pattern(validator: Any, wanted: str, instance: JSON, schema: Mapping[str, JSON]) -> Errors:
    if isinstance(instance, str) and not found(wanted, instance):
        yield ValidationError(f"It does not match the pattern {wanted}")


def pattern_properties(validator: Any, patterns: Mapping[str, JSON], instance: JSON, schema: JSON) -> Errors:
    if isinstance(instance, dict):
        for wanted, subschema in patterns.items():
            for key, value in instance.items():
                if found(wanted, key):
                    yield from validator.descend(value, subschema, path=key, schema_path=wanted)


def additional_properties(validator: Any, allowed: JSON, instance: JSON, schema: Mapping[str, JSON]) -> Errors:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    for key, value in instance.items():
        if key in schema.get("properties", {}) or any(found(wanted, key) for wanted in patterns):
            continue
        if allowed is False:
            yield ValidationError("There is no such input.", path=(key,))
        else:
            yield from validator.descend(value, allowed, path=key)


def required(validator: Any, names: list[str], instance: JSON, schema: JSON) -> Errors:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError("It is required.", path=(name,))


def unique_items(validator: Any, wanted: JSON, instance: JSON, schema: JSON) -> Errors:
    if wanted and isinstance(instance, list) and len({_identity(item) for item in instance}) < len(instance):
        yield ValidationError("Its items are not all different.")


def enum(validator: Any, allowed: list[JSON], instance: JSON, schema: JSON) -> Errors:
    spend(len(allowed) // 20)
    if not any(_identity(option) == _identity(instance) for option in allowed):
        yield ValidationError(f"It is not one of {allowed}")


def multiple_of(validator: Any, step: float, instance: JSON, schema: JSON) -> Errors:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if not _divides(step, instance):
        yield ValidationError(f"It is not a multiple of {step}")


def _divides(step: float, number: float) -> bool:
    """Nearly, as 0.1 divides 0.3; exactly for integers and where the quotient is too large for a float."""
    if isinstance(step, int) and isinstance(number, int):
        return number % step == 0
    try:
        quotient = number / step
        return abs(quotient - round(quotient)) <= 1e-9 * max(1.0, abs(quotient))
    except ArithmeticError:
        return (Fraction(repr(number)) / Fraction(repr(step))).denominator == 1


def _identity(value: JSON) -> JSON:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    spend()
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_identity(item) for item in value))
    return ("boolean", value) if isinstance(value, bool) else value


def _counted(keyword: Keyword, cost: int) -> Keyword:
    def run(validator: Any, value: JSON, instance: JSON, schema: Mapping[str, JSON]) -> Errors:
        spend(cost)
        with nested():
            for error in keyword(validator, value, instance, schema) or ():
                spend()  # an error is handed up through every level that it comes from
                yield error

    return run


_OURS: dict[str, Keyword] = {
    "additionalProperties": additional_properties,
    "enum": enum,
    "multipleOf": multiple_of,
    "pattern": pattern,
    "patternProperties": pattern_properties,
    "required": required,
    "uniqueItems": unique_items,
}
_COSTS = {"$ref": 3}
_KEYWORDS = {
    name: _counted(keyword, _COSTS.get(name, 1))
    for name, keyword in {**Draft202012Validator.VALIDATORS, **_OURS}.items()
}
_Bounded: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]


def validator_of(schema: JSON) -> Validator:
    """Knows no document but `schema`; to be used within a budget."""
    validator: Validator = _Bounded(schema, registry=Registry(), format_checker=CHECKER)
    return validator
