"""The inputs that a schema names, as far as a form can show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from highway_automation.base.schema.structure import JSON, target

LONG = 300
MAX_HOPS = 50
FORMATS = {"date": "date", "email": "email"}


@dataclass(frozen=True)
class Property:
    """`kind`: string, long, email, date, integer, number, boolean, maybe (a boolean that may stay open) or json."""

    name: str
    kind: str
    label: str
    description: str = ""
    required: bool = False
    has_default: bool = False
    default: JSON = None
    options: tuple[JSON, ...] = ()


def properties_of(schema: JSON) -> Iterator[Property]:
    """The named inputs in the schema's order, wherever at its top they stand (references, allOf)."""
    seen: set[str] = set()
    parts = list(_parts(schema, schema))
    required = {name for part in parts for name in _list(part.get("required"))}
    for part in parts:
        properties = part.get("properties")
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            if name not in seen:
                seen.add(name)
                yield _property(schema, name, inner, name in required)


def _property(root: JSON, name: str, schema: JSON, required: bool) -> Property:
    merged: dict[str, JSON] = {}
    for part in _parts(root, schema, through_null=True):
        merged = {**part, **merged}
    has_default = "default" in merged
    default = merged.get("default")
    options = tuple(merged["enum"]) if isinstance(merged.get("enum"), list) else ()
    if "const" in merged:
        options = (merged["const"],)
    kind = (
        "json" if any(isinstance(option, dict | list) for option in options) else _kind(merged, required or has_default)
    )
    return Property(
        name=name,
        kind=kind,
        label=str(merged.get("title") or name),
        description=str(merged.get("description") or ""),
        required=required,
        has_default=has_default and default is not None,
        default=default,
        options=() if kind == "json" else tuple(option for option in options if option is not None),
    )


def _kind(merged: dict[str, JSON], settled: bool) -> str:
    types = [kind for kind in _list(merged.get("type")) if kind != "null"]
    if "enum" in merged or "const" in merged:
        return "string"
    if len(types) != 1 or "anyOf" in merged or "oneOf" in merged:
        return "json"
    if types[0] == "boolean":
        return "boolean" if settled else "maybe"
    if types[0] == "string":
        long = isinstance(merged.get("maxLength"), int) and merged["maxLength"] > LONG
        return FORMATS.get(str(merged.get("format")), "long" if long else "string")
    return types[0] if types[0] in ("integer", "number") else "json"


def _parts(root: JSON, schema: JSON, *, through_null: bool = False) -> Iterator[dict[str, JSON]]:
    """The schema and what it refers to; with `through_null` a choice of one thing or null counts as that thing."""
    waiting = [schema]
    for _ in range(MAX_HOPS):
        if not waiting:
            return
        part = waiting.pop(0)
        if not isinstance(part, dict):
            continue
        only = _only_option(part) if through_null else None
        yield {key: value for key, value in part.items() if only is None or key not in ("anyOf", "oneOf")}
        if "$ref" in part:
            waiting.append(target(root, part["$ref"]))
        waiting += [it for it in _list(part.get("allOf")) if isinstance(it, dict)]
        if only is not None:
            waiting.append(only)


def _only_option(schema: dict[str, JSON]) -> JSON:
    options = [it for key in ("anyOf", "oneOf") for it in _list(schema.get(key)) if it != {"type": "null"}]
    return options[0] if len(options) == 1 else None


def _list(value: JSON) -> list[JSON]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
