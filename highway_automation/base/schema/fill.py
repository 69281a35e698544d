"""Inputs against a schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from jsonschema.exceptions import ValidationError

from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.schema.budget import TooMuch, budget
from highway_automation.base.schema.defaults import NULL, Filler, copied
from highway_automation.base.schema.keywords import validator_of
from highway_automation.base.schema.structure import JSON

TOLD = 20
MAX_MESSAGE = 300
TOO_MUCH = "The schema takes too much work, or never ends, for this value."


def fill_and_validate(
    schema: JSON,
    inputs: JSON,
    field: str = "inputs",
    misfit: str = "The inputs do not fit the template's input schema.",
) -> JSON:
    """The inputs with the schema's defaults filled in; `inputs` stays as it is. Without a schema anything goes.

    Raises Invalid naming each field that does not fit (`inputs.email`).
    """
    if not isinstance(inputs, dict):
        raise Invalid(f"{field.capitalize()} are a JSON object.", errors=[FieldError(field, "Give a JSON object.")])
    with budget():
        value, problems = examine(schema, schema, inputs, field)
    if problems:
        raise Invalid(misfit, errors=problems)
    return value


def examine(root: JSON, schema: JSON, value: JSON, field: str) -> tuple[JSON, list[FieldError]]:
    """`value` filled by `schema` (a part of `root`), and what is then wrong with it; within the current budget."""
    if schema is None:
        return value, []
    try:
        validator = validator_of(root)
        filled = Filler(validator).fill(schema, copied(value))
        errors = list(islice(validator.descend(filled, schema), TOLD))  # type: ignore[attr-defined]
        return filled, list(_told(errors, field))[:TOLD]
    except (TooMuch, RecursionError, ArithmeticError):
        return value, [FieldError(field, TOO_MUCH)]
    except Exception as error:  # a schema that no check has seen (a row written by SQL) may break in any way
        return value, [FieldError("input_schema", f"The schema itself is not valid: {error}"[:MAX_MESSAGE])]


def _told(errors: Iterable[ValidationError], field: str) -> Iterator[FieldError]:
    for error in errors:
        place = ".".join([field, *map(str, error.path)])
        inner = _only_option(error)
        if inner:
            yield from _told(inner, place)
        elif error.context:
            yield FieldError(place, "It fits none of the allowed forms.")
        else:
            yield FieldError(place, short(error.message))


def _only_option(error: ValidationError) -> list[ValidationError]:
    """Why the only option besides null did not fit."""
    if error.validator not in ("anyOf", "oneOf") or not isinstance(error.validator_value, list):
        return []
    real = {index for index, option in enumerate(error.validator_value) if option not in NULL}
    inner = [part for part in error.context or () if part.schema_path and part.schema_path[0] in real]
    return inner if len(real) == 1 else []


def short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
