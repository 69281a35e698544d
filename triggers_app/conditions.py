"""What a filter is made of: conditions on paths in an event, as a tree of the objects they look into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from highway_automation.base.safe_json import JSON

Path: TypeAlias = tuple[str, ...]
Test: TypeAlias = Callable[[Any], bool]


class Envelope(NamedTuple):
    """What a filter looks at: the event without its identity and times."""

    type: str
    source: str
    subject: str
    payload: JSON


class _Missing:
    def __repr__(self) -> str:
        return "(absent)"


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Leaf:
    """The condition on one path. `keys` are its exact values, `tests` everything that is not equality."""

    path: Path
    wanted: JSON
    keys: frozenset[Any]
    tests: tuple[Test, ...]

    def accepts(self, value: Any) -> bool:
        if type(value) is str:
            if value in self.keys:
                return True
        elif type(value) is list:
            return any(self.accepts(element) for element in elements(value))
        elif key_of(value) in self.keys:
            return True
        return any(test(value) for test in self.tests) if self.tests else False


@dataclass(slots=True)
class Node:
    """The conditions inside one object."""

    leaves: list[tuple[str, Leaf]] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)

    def accepts(self, value: Any) -> bool:
        if type(value) is list:
            return any(self.accepts(element) for element in elements(value))
        obj = value if type(value) is dict else {}
        for key, leaf in self.leaves:
            if not leaf.accepts(obj.get(key, MISSING)):
                return False
        return not self.nodes or all(node.accepts(_inside(obj, key)) for key, node in self.nodes.items())


def elements(value: list[Any]) -> list[Any]:
    """What a list holds, lists in it opened; of one that holds nothing, that it does."""
    return list(_flat(value)) or [MISSING]


def _flat(value: list[Any]) -> Iterator[Any]:
    for element in value:
        if type(element) is list:
            yield from _flat(element)
        else:
            yield element


def key_of(value: Any) -> Any:
    """What makes two scalars equal: 1 and 1.0 are, 1 and true are not. Objects and arrays equal nothing."""
    if value is True or value is False:
        return ("boolean", value)
    return value if isinstance(value, str | int | float) or value is None else MISSING


def values_at(event: Envelope, path: Path) -> Iterator[Any]:
    """Every value that a condition on `path` may look at; arrays count as each of their elements."""
    if path[0] == "$event":
        yield getattr(event, path[1])
    elif path[0] == "detail" and len(path) > 1:
        yield from _descend(detail_of(event.payload), path, 1)
    else:
        yield from _descend(event.payload, path, 0)


def detail_of(payload: JSON) -> JSON:
    """`detail` is the payload itself, unless the payload has a key of that name."""
    return payload.get("detail", payload) if isinstance(payload, dict) else payload


def _inside(obj: dict[str, Any], key: str) -> Any:
    """The value that a path goes on in: obj[key], else what the keys that spell the path with a dot make up."""
    value = obj.get(key, MISSING)
    if value is not MISSING:
        return value
    dotted = key + "."
    return {name[len(dotted) :]: item for name, item in obj.items() if name.startswith(dotted)}


def _descend(value: Any, path: Path, at: int) -> Iterator[Any]:
    if type(value) is list:
        for element in value:
            yield from _descend(element, path, at)
    elif at == len(path):
        yield value
    elif type(value) is dict:
        last = at == len(path) - 1
        yield from _descend(value.get(path[at], MISSING) if last else _inside(value, path[at]), path, at + 1)
    else:
        yield MISSING
