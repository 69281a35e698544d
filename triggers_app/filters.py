"""The filter language: a JSON pattern that an event must fit. Pure, checked at save, never evaluated as code.

`{"workflow_name": "critical_*"}`: every key must hold. A key is a path in the payload (`"order.total"` and
`{"order": {"total": …}}` mean the same; `detail` is another name of the payload) or `$event.type`,
`$event.source`, `$event.subject`. A value is a text (a glob where it has `*` or `?`), a number, true, false or
null, or a list of which any must fit. Where the event has an array, any element may fit, and a nested object
must fit one element as a whole. What is absent or of another type does not fit: filters fail closed.
An object whose key is an operator (`{"prefix": …}`) is a leaf of its own, made by its builder in `OPERATORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from highway_automation.base.safe_json import JSON
from triggers_app.conditions import MISSING, Envelope, Leaf, Node, Path, Test, detail_of, key_of, values_at
from triggers_app.globs import compile_glob

MAX_CONDITIONS = 200
MAX_ALTERNATIVES = 1_000
MAX_DEPTH = 32
ENVELOPE = ("type", "source", "subject")

OPERATORS: dict[str, Callable[[JSON], Test]] = {}
"""Operator → what builds its test from the operand; the test is also asked about `MISSING`."""

CURES = {
    "prefix": 'write a glob such as "abc*"',
    "suffix": 'write a glob such as "*.png"',
    "wildcard": "write the text itself: * is understood there",
    "anything-but": "list the values that should match",
    "exists": 'write "*" for any text',
    "equals-ignore-case": "list the spellings that should match",
    "numeric": "list the numbers that should match",
    "cidr": 'write a glob such as "10.0.*"',
    "changed": "match the new value",
    "changed_from": "match the new value",
    "changed_to": "match the new value",
    "$or": "make one trigger for each alternative",
}
"""Every operator of the language and what to write where its builder is missing."""


class FilterError(ValueError):
    """A pattern that cannot be used: `path` is the place in the pattern, the message says the cure."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


@dataclass(frozen=True)
class Filter:
    """A parsed pattern. `leaves` are its conditions in the order they were written."""

    pattern: JSON
    payload: Node | None
    detail: Node | None
    envelope: Node | None
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True)
class Condition:
    """One line of an explanation: what was asked of `path`, what the event has there (`present`: has it at all)."""

    path: str
    wanted: JSON
    seen: JSON
    present: bool
    ok: bool


@dataclass(frozen=True)
class Verdict:
    matched: bool
    conditions: tuple[Condition, ...]
    note: str = ""


def parse(pattern: JSON) -> Filter:
    """The filter that a pattern means; None and {} match every event. Raises FilterError."""
    if pattern is not None and not isinstance(pattern, dict):
        raise FilterError("", 'A filter is an object such as {"workflow_name": "critical_*"}.')
    leaves = tuple(_leaves(pattern or {}, (), ""))
    if len(leaves) > MAX_CONDITIONS:
        raise FilterError("", f"This filter has {len(leaves)} conditions; use at most {MAX_CONDITIONS}.")
    roots: dict[str, Node] = {}
    for leaf in leaves:
        _plant(roots, leaf)
    return Filter(pattern or {}, roots.get(""), roots.get("detail"), roots.get("$event"), leaves)


def matches(filter: Filter, event: Envelope) -> bool:
    if filter.envelope is not None and not filter.envelope.accepts(event._asdict()):
        return False
    if filter.payload is not None and not filter.payload.accepts(event.payload):
        return False
    return filter.detail is None or filter.detail.accepts(detail_of(event.payload))


def explain(filter: Filter, event: Envelope) -> Verdict:
    """Every condition by itself with the value seen, and whether the filter as a whole matches."""
    matched = matches(filter, event)
    conditions = tuple(_explain_leaf(leaf, event) for leaf in filter.leaves)
    apart = not matched and all(condition.ok for condition in conditions)
    note = "Each condition holds for some element of a list, but no single element fits them all." if apart else ""
    return Verdict(matched, conditions, note)


def _leaves(pattern: Mapping[str, JSON], above: Path, where: str) -> Iterator[Leaf]:
    for key, value in pattern.items():
        place = f"{where}.{key}" if where else key
        path = (*above, *_segments(key, place))
        if len(path) > MAX_DEPTH:
            raise FilterError(place, f"This path is deeper than {MAX_DEPTH} names.")
        if key == "$or":
            raise _unavailable(key, place)
        if isinstance(value, dict) and not _operators(value):
            yield from _nested(value, path, place)
        else:
            yield _leaf(value, path, place)


def _nested(value: Mapping[str, JSON], path: Path, place: str) -> Iterator[Leaf]:
    if not value:
        raise FilterError(place, "An empty object matches nothing certain; name a field in it or leave the key out.")
    yield from _leaves(value, path, place)


def _segments(key: str, place: str) -> list[str]:
    segments = key.split(".")
    if not all(segments):
        raise FilterError(place, "A path is names joined by single dots, such as order.total.")
    return segments


def _leaf(value: JSON, path: Path, place: str) -> Leaf:
    if path[0] == "$event" and (len(path) != 2 or path[1] not in ENVELOPE):
        raise FilterError(place, "Of the envelope a filter can use $event.type, $event.source and $event.subject.")
    alternatives = value if isinstance(value, list) else [value]
    if not alternatives:
        raise FilterError(place, "An empty list matches nothing; list the values that should match.")
    if len(alternatives) > MAX_ALTERNATIVES:
        raise FilterError(place, f"This list has {len(alternatives)} values; use at most {MAX_ALTERNATIVES}.")
    keys: set[Any] = set()
    tests: list[Test] = []
    for number, wanted in enumerate(alternatives):
        _add_alternative(wanted, f"{place}[{number}]" if value is alternatives else place, keys, tests)
    return Leaf(path, value, frozenset(keys), tuple(tests))


def _add_alternative(wanted: JSON, place: str, keys: set[Any], tests: list[Test]) -> None:
    if isinstance(wanted, dict):
        tests.append(_operator(wanted, place))
    elif isinstance(wanted, list):
        raise FilterError(place, "A list inside a list is not understood; write one flat list of values.")
    elif isinstance(wanted, str):
        _add_text(wanted, place, keys, tests)
    else:
        keys.add(key_of(wanted))


def _add_text(wanted: str, place: str, keys: set[Any], tests: list[Test]) -> None:
    try:
        glob = compile_glob(wanted)
    except ValueError as error:
        raise FilterError(place, str(error)) from None
    if glob.exact is not None:
        keys.add(glob.exact)
    else:
        tests.append(glob.matches)


def _operators(value: Mapping[str, JSON]) -> list[str]:
    return [key for key in value if key in CURES or key in OPERATORS]


def _operator(value: Mapping[str, JSON], place: str) -> Test:
    names = _operators(value)
    if not names:
        raise FilterError(place, f"An object in a list must be an operator: one of {', '.join(sorted(CURES))}.")
    if names[0] not in OPERATORS:
        raise _unavailable(names[0], place)
    if len(value) != 1:
        raise FilterError(place, f'An operator stands alone: {{"{names[0]}": …}}.')
    return OPERATORS[names[0]](value[names[0]])


def _unavailable(name: str, place: str) -> FilterError:
    field = "" if name == "$or" else f' A field of that name is addressed as "{place.split("[")[0]}.{name}".'
    return FilterError(place, f'The operator "{name}" is not available; {CURES[name]}.{field}')


def _plant(roots: dict[str, Node], leaf: Leaf) -> None:
    rooted = leaf.path[0] in ("$event", "detail") and len(leaf.path) > 1
    node = roots.setdefault(leaf.path[0] if rooted else "", Node())
    *inner, last = leaf.path[1:] if rooted else leaf.path
    for name in inner:
        node = node.nodes.setdefault(name, Node())
    node.leaves.append((last, leaf))


def _explain_leaf(leaf: Leaf, event: Envelope) -> Condition:
    seen = [value for value in values_at(event, leaf.path) if value is not MISSING]
    ok = any(leaf.accepts(value) for value in seen) or (not seen and leaf.accepts(MISSING))
    shown = [_short(value) for value in seen[:20]]
    return Condition(".".join(leaf.path), leaf.wanted, shown[0] if len(seen) == 1 else shown, bool(seen), ok)


def _short(value: Any) -> JSON:
    if isinstance(value, dict):
        return "(an object)"
    return f"{value[:200]}…" if isinstance(value, str) and len(value) > 200 else value
