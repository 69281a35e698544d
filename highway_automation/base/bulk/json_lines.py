"""Where things stand in a JSON text: the standard decoder reads the values, this finds their places."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]

SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


class Lines:
    """Offsets in a text as line numbers."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at(self, offset: int) -> int:
        return bisect_right(self._ends, offset - 1) + 1


def start(text: str, offset: int = 0) -> int:
    """The offset of the value that begins here, after white space."""
    return SPACE.match(text, offset).end()  # type: ignore[union-attr]


def parts(text: str, offset: int) -> Iterator[tuple[str, int, int]]:
    """(name, offset of the name, offset of the value) of each part of the valid object or list at `offset`."""
    kind = text[offset]
    if kind not in "{[":
        return
    offset, number = start(text, offset + 1), 0
    while text[offset] not in "]}":
        name, place = str(number), offset
        if kind == "{":
            name, offset = scanstring(text, offset + 1)
            offset = start(text, start(text, offset) + 1)
        yield name, place, offset
        offset, number = start(text, _decoder.raw_decode(text, offset)[1]), number + 1
        if text[offset] == ",":
            offset = start(text, offset + 1)


def find(text: str, offset: int, path: tuple[str, ...]) -> int:
    """The offset of the innermost part of `path` that is there, below the valid value at `offset`."""
    place = offset
    for wanted in path:
        found = next(((at, value) for name, at, value in parts(text, offset) if name == wanted), None)
        if found is None:
            break
        place, offset = found
    return place


class _Twice(Exception):
    """Some object has a key twice."""


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _value in pairs}) < len(pairs):
        raise _Twice


def doubled(text: str, offset: int) -> tuple[str, int] | None:
    """The first key that stands twice in an object of a valid text, and the offset of its second place."""
    try:
        json.loads(text, object_pairs_hook=_once)
    except _Twice:
        return _doubled(text, offset)
    return None


def _doubled(text: str, offset: int) -> tuple[str, int] | None:
    seen: set[str] = set()
    for name, at, value in parts(text, offset):
        if name in seen:
            return name, at
        seen.add(name)
        if inner := _doubled(text, value):
            return inner
    return None
