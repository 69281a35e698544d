"""A schema before it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from urllib.parse import urljoin

from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.schema.budget import budget
from highway_automation.base.schema.fill import TOLD, examine, short
from highway_automation.base.schema.grammar import GRAMMAR
from highway_automation.base.schema.patterns import BadPattern, compiled
from highway_automation.base.schema.structure import JSON, SAME_VALUE, Path, children, pointer, subschemas

Problem = tuple[Path, str]
MAX_PARTS = 2_000
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOT_SUPPORTED = {
    "$anchor": "Refer by path: `#/$defs/…`.",
    "$dynamicAnchor": "Refer by path: `#/$defs/…`.",
    "$dynamicRef": "Use `$ref`.",
    "$recursiveRef": "Use `$ref`.",
    "unevaluatedItems": "Use `items`.",
    "unevaluatedProperties": "Use `additionalProperties`.",
}


def check_schema(schema: JSON, field: str = "input_schema") -> None:
    """Raises Invalid with the path of every fault, below `field`; None (no schema) is fine."""
    if schema is None:
        return
    problems = [FieldError(".".join([field, *path]), told) for path, told in islice(_problems(schema), TOLD)]
    if problems:
        raise Invalid(f"The {field.replace('_', ' ')} is not valid.", errors=problems)


def _problems(schema: JSON) -> Iterator[Problem]:
    """Each kind of check relies on the ones before it."""
    if not isinstance(schema, dict):
        yield (), "Give a JSON Schema object, or null."
        return
    parts = subschemas(schema)
    if len(parts) > MAX_PARTS:
        yield (), f"It has more than {MAX_PARTS} subschemas."
        return
    for check in (_grammar, _keywords, _references, _loops, _root, _defaults):
        problems = list(islice(check(schema, parts), TOLD))
        yield from problems
        if problems:
            return


def _grammar(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    for error in GRAMMAR.iter_errors(schema):
        yield tuple(map(str, error.path)), short(error.message)


def _keywords(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        yield ("$schema",), f"Only {DIALECT} is supported."
    if not _is_address(schema.get("$id", "")):
        yield ("$id",), "It is no URI."
    for path, part in parts.items():
        if not isinstance(part, dict):
            continue
        for keyword in NOT_SUPPORTED.keys() & part.keys():
            yield (*path, keyword), f"This keyword is not supported. {NOT_SUPPORTED[keyword]}"
        if path and "$id" in part:
            yield (*path, "$id"), "Only the whole schema may have an id."
        for place, pattern in _patterns(path, part):
            try:
                compiled(pattern)
            except BadPattern as error:
                yield place, f"It is {error}"


def _is_address(text: str) -> bool:
    """Whether references can be joined to it, as every use of the schema does."""
    try:
        urljoin(text, "#")
    except ValueError:
        return False
    return True


def _patterns(path: Path, part: dict[str, JSON]) -> Iterator[tuple[Path, str]]:
    if "pattern" in part:
        yield (*path, "pattern"), part["pattern"]
    for pattern in part.get("patternProperties", ()):
        yield (*path, "patternProperties", pattern), pattern


def _references(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    for path, part in parts.items():
        reference = part.get("$ref") if isinstance(part, dict) else None
        if reference is None:
            continue
        place = (*path, "$ref")
        named = pointer(reference)
        if named is None:
            yield place, "Only references within the schema (`#`, `#/$defs/…`) are followed."
        elif named not in parts:
            yield place, f"{short(reference)} names no schema here."


def _loops(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    """A schema that applies itself to the same value again never ends."""
    again = {path: list(_again(path, part)) for path, part in parts.items() if isinstance(part, dict)}
    try:
        TopologicalSorter(again).prepare()
    except CycleError as error:
        yield error.args[1][0], "It refers back to itself without going into a part of the value."


def _again(path: Path, part: dict[str, JSON]) -> Iterator[Path]:
    if "$ref" in part:
        named = pointer(part["$ref"])
        if named is not None:
            yield named
    yield from (path + more for more, _ in children(part) if more[0] in SAME_VALUE)


def _root(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    types = schema.get("type", "object")
    if types != "object" and "object" not in types:
        yield ("type",), "Inputs are an object, so the type must be `object`."


def _defaults(schema: JSON, parts: dict[Path, JSON]) -> Iterator[Problem]:
    with budget():
        for path, part in parts.items():
            if isinstance(part, dict) and "default" in part:
                _, problems = examine(schema, part, part["default"], "default")
                if problems:
                    yield (*path, "default"), f"The default breaks its own schema: {problems[0].message}"
