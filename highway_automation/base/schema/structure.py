"""The subschemas of a schema and how they refer to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

JSON = Any
Path = tuple[str, ...]

NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "contentSchema")
SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose subschemas look at the same value again, and not at a part of it."""


def subschemas(schema: JSON) -> dict[Path, JSON]:
    """Every place where a schema stands, the root under (); what stands there may still be no schema."""
    found: dict[Path, JSON] = {}
    stack: list[tuple[Path, JSON]] = [((), schema)]
    while stack:
        path, part = stack.pop()
        found[path] = part
        if isinstance(part, dict):
            stack.extend((path + more, child) for more, child in children(part))
    return found


def children(schema: Mapping[str, JSON]) -> Iterator[tuple[Path, JSON]]:
    for key in NAMED:
        if isinstance(named := schema.get(key), dict):
            yield from (((key, name), child) for name, child in named.items())
    for key in LISTED:
        if isinstance(listed := schema.get(key), list):
            yield from (((key, str(index)), child) for index, child in enumerate(listed))
    for key in SINGLE:
        if key in schema:
            yield (key,), schema[key]


def pointer(reference: str) -> Path | None:
    """The path that `#` or `#/a/b` names; None for any other reference."""
    if reference == "#":
        return ()
    if not reference.startswith("#/"):
        return None
    return tuple(unquote(part).replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/"))


def target(root: JSON, reference: JSON) -> JSON:
    """What a reference names in the document; None where there is nothing."""
    path = pointer(reference) if isinstance(reference, str) else None
    value: JSON = None if path is None else root
    for part in path or ():
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isascii() and part.isdecimal() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return None
    return value
