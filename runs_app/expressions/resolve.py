"""Putting values where references stand, in texts, lists and objects."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from highway_automation.base.safe_json import JSON

from .errors import Issue, MissingName, TemplateError
from .names import STEP_FIELDS, Lookup
from .template import Reference, Template, parse_template
from .values import text_of


def references(value: JSON) -> Iterator[Reference]:
    """Every reference in the texts of `value`, keys of objects left out; a text with a broken filter has none."""
    if isinstance(value, str):
        try:
            yield from parse_template(value).references
        except TemplateError:
            return
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(value: JSON, lookup: Lookup) -> JSON:
    """`value` with its references replaced; a text that is one reference keeps the type of what it names.

    What is put in is not looked at again. Raises MissingName and the other ExpressionErrors.
    """
    if isinstance(value, str):
        template = parse_template(value)
        return fetch(template.sole, lookup) if template.sole else fill(template, lookup)
    if isinstance(value, dict):
        return {key: resolve(item, lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, lookup) for item in value]
    return value


def fetch(reference: Reference, lookup: Lookup) -> JSON:
    """The value of one reference, or its default where the name is missing."""
    try:
        return lookup(reference.path)
    except MissingName:
        if not reference.has_default:
            raise
        return copy.copy(reference.default)


def fill(template: Template, lookup: Lookup) -> str:
    """The template as a text."""
    return "".join(piece if isinstance(piece, str) else text_of(fetch(piece, lookup)) for piece in template.pieces)


def check_text(text: str, *, secrets: bool = True) -> list[Issue]:
    """What is wrong with the references of a text, whatever it is used for. `secrets`: they may be read here."""
    try:
        found = parse_template(text).references
    except TemplateError as error:
        return [Issue(str(error))]
    return [issue for reference in found for issue in check_reference(reference, secrets=secrets)]


def check_reference(reference: Reference, *, secrets: bool = True) -> Iterator[Issue]:
    path = reference.path
    if path[0] == "secrets" and not secrets:
        yield Issue(f"`{reference.name}` may only be read in the arguments of a tool.", "Pass the secret to a tool.")
    if path[0] in ("env", "ENV", "secrets") and len(path) < 2:
        yield Issue(f"`{reference.name}` needs a name.", f"Write `{path[0]}.NAME`.")
    if path[0] == "steps" and len(path) > 2 and path[2] not in STEP_FIELDS:
        cure = f"Write `steps.{path[1]}.output.{path[2]}`."
        yield Issue(f"`{reference.name}`: a step has output, status and error.", cure)
    if reference.raw:
        message = f"`{reference.source}` is put in as it is and can change the meaning of what surrounds it."
        yield Issue(message, "Leave `| raw` out unless the value is trusted.", warning=True)


def uses_raw(value: JSON) -> bool:
    """Whether some reference in `value` is spliced with `| raw`, which only an editor may write."""
    return any(reference.raw for reference in references(value))
