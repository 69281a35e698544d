"""Fills in what inputs leave out, wherever the schema says it: through references, allOf, choices and nesting."""

from __future__ import annotations

from typing import Any

from jsonschema.protocols import Validator

from highway_automation.base.schema.budget import TooMuch, spend
from highway_automation.base.schema.structure import JSON, target

MAX_DEPTH = 200
NULL = ({"type": "null"}, {"const": None}, {"enum": [None]})


class Filler:
    """Fills values of the schema that `validator` was made for."""

    def __init__(self, validator: Validator) -> None:
        self._validator: Any = validator
        self._root: JSON = validator.schema

    def fill(self, schema: JSON, value: JSON, depth: int = 0) -> JSON:
        """`value` with defaults put into it (in place). Raises TooMuch for defaults that never end."""
        spend()
        if depth > MAX_DEPTH:
            raise TooMuch
        if not isinstance(schema, dict):
            return value
        if "$ref" in schema:
            value = self.fill(target(self._root, schema["$ref"]), value, depth + 1)
        for part in _list(schema, "allOf"):
            value = self.fill(part, value, depth + 1)
        for key in ("anyOf", "oneOf"):
            if options := _list(schema, key):
                value = self._fill_choice(options, value, depth + 1)
        if isinstance(value, dict):
            self._fill_object(schema, value, depth + 1)
        elif isinstance(value, list):
            self._fill_array(schema, value, depth + 1)
        return value

    def _fill_choice(self, options: list[JSON], value: JSON, depth: int) -> JSON:
        """By the only option besides null, else by the first one that then fits."""
        rest = [option for option in options if option not in NULL]
        if value is None or not isinstance(value, dict | list) or not rest:
            return value
        if len(rest) == 1:
            return self.fill(rest[0], value, depth)
        for option in rest:
            candidate = self.fill(option, copied(value), depth)
            if next(self._validator.descend(candidate, option), None) is None:
                return candidate
        return value

    def _fill_object(self, schema: JSON, value: dict[str, JSON], depth: int) -> None:
        named = schema.get("properties")
        properties: dict[str, JSON] = named if isinstance(named, dict) else {}
        for name, part in properties.items():
            if name not in value:
                known, default = self._default(part)
                if not known:
                    continue
                value[name] = copied(default)
            value[name] = self.fill(part, value[name], depth)
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            for name in value.keys() - properties.keys():
                value[name] = self.fill(others, value[name], depth)

    def _fill_array(self, schema: JSON, value: list[JSON], depth: int) -> None:
        first = _list(schema, "prefixItems")
        for index, item in enumerate(value):
            part = first[index] if index < len(first) else schema.get("items")
            value[index] = self.fill(part, item, depth)

    def _default(self, schema: JSON) -> tuple[bool, JSON]:
        """(whether there is a default, the default): the property's own, else that of what it refers to."""
        waiting = [schema]
        while waiting:
            spend()
            part = waiting.pop()
            if not isinstance(part, dict):
                continue
            if "default" in part:
                return True, part["default"]
            waiting.extend(reversed(_list(part, "allOf")))
            if "$ref" in part:
                waiting.append(target(self._root, part["$ref"]))
        return False, None


def copied(value: JSON) -> JSON:
    spend()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def _list(schema: JSON, key: str) -> list[JSON]:
    value = schema.get(key)
    return value if isinstance(value, list) else []
