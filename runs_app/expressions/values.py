"""What a reference's value becomes: a field of it, a list of items, a text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from highway_automation.base.safe_json import JSON, UnsafeJSON, parse

from .errors import BindError, ExpressionError, MissingName
from .template import Path, dotted

_ABSENT = object()


def walk(path: Path, value: JSON, *, start: Path = ()) -> JSON:
    """The part of `value` that `path` leads to; `start` is how the value is called in an error.

    `.length` counts, `[0]` and `.0` index (from the end when negative), a field called stdout loses its trailing
    white space, a text that holds JSON is entered as that JSON, and the answer of an HTTP call lends the fields of
    its body. Raises MissingName naming the path up to where it ends.
    """
    for position, key in enumerate(path):
        value = _step(value, key)
        if value is _ABSENT:
            raise MissingName(dotted((*start, *path[: position + 1])))
    return value


def to_list(value: JSON) -> list[JSON]:
    """The items of a loop: a list, a text that holds a JSON list, or the lines of a text such as `ls` prints.

    The result of a command stands for its stdout, that of an HTTP call for its body; an empty text has no items.
    Raises ExpressionError for anything else.
    """
    if isinstance(value, dict):
        if isinstance(value.get("stdout"), str):
            value = value["stdout"]
        elif "status_code" in value and isinstance(value.get("response"), list | str):
            value = value["response"]
    if isinstance(value, str):
        holds = _held(value)
        value = _lines(value) if holds is _ABSENT else holds
    if not isinstance(value, list):
        raise ExpressionError(f"A list is needed here, not {describe(value)}.")
    return value


def text_of(value: JSON) -> str:
    """The value inside a longer text: texts as they are, null as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except ValueError as error:
        raise BindError(f"The value cannot be written as text: {error}.") from None


def describe(value: JSON) -> str:
    """The kind of a value in an error's words; never the value, which may be secret."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "this kind of value")


def number_of(value: JSON) -> int | float | None:
    """The number that a JSON number or a numeric text stands for; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else None
    return _parsed_number(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST_NUMBER else None


_LONGEST_NUMBER = 320


def _parsed_number(text: str) -> int | float | None:
    if not text.isascii() or "_" in text or text.strip("+-.eE0123456789"):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _step(value: JSON, key: str | int) -> JSON:
    if isinstance(value, str):
        return _step_into_text(value, key)
    if isinstance(value, Mapping):
        return _field(value, key)
    if isinstance(value, list):
        return _item(value, key)
    return _ABSENT


def _field(value: Mapping[str, JSON], key: str | int) -> JSON:
    name = str(key)
    if name in value:
        found = value[name]
        return found.rstrip() if name == "stdout" and isinstance(found, str) else found
    if "status_code" in value and "response" in value and isinstance(value["response"], dict | list):
        found = _step(value["response"], key)
        if found is not _ABSENT:
            return found
    return len(value) if name == "length" else _ABSENT


def _item(value: list[JSON], key: str | int) -> JSON:
    if key == "length":
        return len(value)
    if isinstance(key, str):
        if not (key.isascii() and key.isdigit() and len(key) < 10):
            return _ABSENT
        key = int(key)
    return value[key] if -len(value) <= key < len(value) else _ABSENT


def _step_into_text(value: str, key: str | int) -> JSON:
    held = _held(value)
    if held is not _ABSENT:
        return _step(held, key)
    return len(value) if key == "length" else _ABSENT


def _held(text: str) -> JSON:
    """The list or object whose JSON the text is."""
    if not text.lstrip().startswith(("[", "{")):
        return _ABSENT
    try:
        return parse(text)
    except UnsafeJSON:
        return _ABSENT


def _lines(text: str) -> list[JSON]:
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
