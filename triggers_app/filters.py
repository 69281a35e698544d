"""The filter language: a JSON pattern that an event must fit. Pure, checked at save, never evaluated as code.

`{"workflow_name": "critical_*"}`: every key must hold. A key is a path in the payload (`"order.total"` and
`{"order": {"total": …}}` mean the same; `detail` is another name of the payload) or `$event.type`,
`$event.source`, `$event.subject`. A value is a text (a glob where it has `*` or `?`), a number, true, false or
null, or a list of which any must fit. Where the event has an array, any element may fit, and a nested object
must fit one element as a whole. What is absent or of another type does not fit: filters fail closed.
An object whose key is an operator (`{"prefix": …}`) is a leaf of its own, made by its builder in `OPERATORS`.
`{"$or": [{…}, {…}]}`, at any level, holds when one of its patterns does, together with what stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from highway_automation.base.safe_json import JSON
from triggers_app.conditions import MISSING, Envelope, Leaf, Node, Path, Test, detail_of, key_of, values_at
from triggers_app.globs import compile_glob
from triggers_app.operators import OPERATORS

MAX_CONDITIONS = 200
MAX_ALTERNATIVES = 1_000
MAX_DEPTH = 32
ENVELOPE = ("type", "source", "subject")

MAX_WAYS = 100

CURES = {
    "changed": "match the new value",
    "changed_from": "match the new value",
    "changed_to": "match the new value",
}
"""Operators of the language that have no builder, and what to write instead."""


class FilterError(ValueError):
    """A pattern that cannot be used: `path` is the place in the pattern, the message says the cure."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


@dataclass(frozen=True)
class Filter:
    """A parsed pattern. `leaves` are its conditions in the order they were written; with `$or` there are `ways` to fit,
    each a filter without it, and the conditions of all of them.
    """

    pattern: JSON
    payload: Node | None
    detail: Node | None
    envelope: Node | None
    leaves: tuple[Leaf, ...]
    ways: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One line of an explanation: what was asked of `path`, what the event has there (`present`: has it at all)."""

    path: str
    wanted: JSON
    seen: JSON
    present: bool
    ok: bool

    @property
    def shown(self) -> dict[str, str]:
        """Both as JSON, in which they are written."""
        return {name: json.dumps(getattr(self, name), ensure_ascii=False, default=str) for name in ("wanted", "seen")}


@dataclass(frozen=True)
class Verdict:
    matched: bool
    conditions: tuple[Condition, ...]
    note: str = ""


def parse(pattern: JSON) -> Filter:
    """The filter that a pattern means; None and {} match every event. Raises FilterError."""
    if pattern is not None and not isinstance(pattern, dict):
        raise FilterError("", 'A filter is an object such as {"workflow_name": "critical_*"}.')
    ways = _spread(pattern or {}, "")
    if len(ways) == 1:
        return _parse(ways[0])
    filters = tuple(_parse(way) for way in ways)
    leaves = {(leaf.path, repr(leaf.wanted)): leaf for filter in filters for leaf in filter.leaves}
    return Filter(pattern or {}, None, None, None, tuple(leaves.values()), filters)


def _parse(pattern: Mapping[str, JSON]) -> Filter:
    """One without `$or`."""
    leaves = tuple(_leaves(pattern, (), ""))
    if len(leaves) > MAX_CONDITIONS:
        raise FilterError("", f"This filter has {len(leaves)} conditions; use at most {MAX_CONDITIONS}.")
    roots: dict[str, Node] = {}
    for leaf in leaves:
        _plant(roots, leaf)
    return Filter(pattern, roots.get(""), roots.get("detail"), roots.get("$event"), leaves)


def _spread(pattern: Mapping[str, JSON], where: str) -> list[dict[str, JSON]]:
    """The patterns without `$or` of which one has to fit. Raises FilterError."""
    ways: list[dict[str, JSON]] = [{}]
    for key, value in pattern.items():
        place = f"{where}.{key}" if where else key
        if key == "$or":
            choices = [way for item in _choices(value, place) for way in _spread(item[1], item[0])]
            ways = [_merged(way, choice, place) for way in ways for choice in choices]
        elif isinstance(value, dict) and value and not _operators(value):
            ways = [{**way, key: inner} for way in ways for inner in _spread(value, place)]
        else:
            ways = [{**way, key: value} for way in ways]
        if len(ways) > MAX_WAYS:
            raise FilterError(place, f"Together the alternatives make more than {MAX_WAYS} combinations.")
    return ways


def _choices(value: JSON, place: str) -> list[tuple[str, dict[str, JSON]]]:
    if not isinstance(value, list) or len(value) < 2:
        raise FilterError(place, '"$or" takes a list of two or more patterns, such as [{"a": 1}, {"b": 2}].')
    for number, item in enumerate(value):
        if not isinstance(item, dict) or not item:
            raise FilterError(f"{place}[{number}]", 'Each alternative is a pattern such as {"a": 1}.')
    return [(f"{place}[{number}]", item) for number, item in enumerate(value)]


def _merged(way: dict[str, JSON], choice: dict[str, JSON], place: str) -> dict[str, JSON]:
    """Both hold. A key that stands beside `$or` and in it would say two things about one value."""
    if both := sorted(way.keys() & choice.keys()):
        raise FilterError(place, f"`{both[0]}` stands beside $or and in it; write it in each alternative.")
    return {**way, **choice}


def matches(filter: Filter, event: Envelope) -> bool:
    if filter.ways:
        return any(matches(way, event) for way in filter.ways)
    if filter.envelope is not None and not filter.envelope.accepts(event._asdict()):
        return False
    if filter.payload is not None and not filter.payload.accepts(event.payload):
        return False
    return filter.detail is None or filter.detail.accepts(detail_of(event.payload))


def explain(filter: Filter, event: Envelope) -> Verdict:
    """Every condition by itself with the value seen, and whether the filter as a whole matches."""
    if filter.ways:
        return _explain_ways(filter.ways, event)
    matched = matches(filter, event)
    conditions = tuple(_explain_leaf(leaf, event) for leaf in filter.leaves)
    apart = not matched and all(condition.ok for condition in conditions)
    note = "Each condition holds for some element of a list, but no single element fits them all." if apart else ""
    return Verdict(matched, conditions, note)


def _explain_ways(ways: tuple[Filter, ...], event: Envelope) -> Verdict:
    """The way that fits, else the one that comes nearest to it."""
    verdicts = [explain(way, event) for way in ways]
    best = min(verdicts, key=lambda told: (not told.matched, sum(not condition.ok for condition in told.conditions)))
    if best.matched:
        return replace(best, note=f"Alternative {verdicts.index(best) + 1} of {len(ways)} fits.")
    return replace(best, note=f"None of {len(ways)} alternatives fits; this one is nearest. {best.note}".strip())


def _leaves(pattern: Mapping[str, JSON], above: Path, where: str) -> Iterator[Leaf]:
    for key, value in pattern.items():
        place = f"{where}.{key}" if where else key
        path = (*above, *_segments(key, place))
        if len(path) > MAX_DEPTH:
            raise FilterError(place, f"This path is deeper than {MAX_DEPTH} names.")
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
        raise FilterError(place, f"An object in a list must be an operator: one of {', '.join(sorted(OPERATORS))}.")
    if names[0] not in OPERATORS:
        raise _unavailable(names[0], place)
    if len(value) != 1:
        raise FilterError(place, f'An operator stands alone: {{"{names[0]}": …}}.')
    try:
        return OPERATORS[names[0]](value[names[0]])
    except ValueError as error:
        raise FilterError(place, str(error)) from None


def _unavailable(name: str, place: str) -> FilterError:
    field = f' A field of that name is addressed as "{place.split("[")[0]}.{name}".'
    return FilterError(place, f'The operator "{name}" is not available; {CURES[name]}.{field}')


def _plant(roots: dict[str, Node], leaf: Leaf) -> None:
    rooted = leaf.path[0] in ("$event", "detail") and len(leaf.path) > 1
    node = roots.setdefault(leaf.path[0] if rooted else "", Node())
    *inner, last = leaf.path[1:] if rooted else leaf.path
    for name in inner:
        node = node.nodes.setdefault(name, Node())
    node.leaves.append((last, leaf))


def _explain_leaf(leaf: Leaf, event: Envelope) -> Condition:
    values = list(values_at(event, leaf.path)) or [MISSING]
    seen = [value for value in values if value is not MISSING]
    ok = any(leaf.accepts(value) for value in values)
    shown = [_short(value) for value in seen[:20]]
    return Condition(".".join(leaf.path), leaf.wanted, shown[0] if len(seen) == 1 else shown, bool(seen), ok)


def _short(value: Any) -> JSON:
    if isinstance(value, dict):
        return "(an object)"
    return f"{value[:200]}…" if isinstance(value, str) and len(value) > 200 else value
