"""Which triggers match an event, without looking at the others. Pure; one index serves one tenant.

A trigger is filed under its event type and there under one anchor: the exact condition that fewest triggers of
that type share. An event looks up the values it has at the anchors' paths and checks only what it finds there.
One with `$or` is filed once for each way to fit it. Triggers without an exact condition are candidates for every
event of their type; types that are globs are found by their literal beginning.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from triggers_app.conditions import MISSING, Envelope, Leaf, Path, key_of, values_at
from triggers_app.filters import Filter, matches
from triggers_app.globs import Glob

PLAIN = frozenset({str, int, float, type(None), type(MISSING)})
"""Types whose values are their own key."""


K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Entry(Generic[K]):
    """One trigger as the index knows it; `source` and `subject` None match every event."""

    key: K
    event_type: Glob
    filter: Filter
    source: Glob | None = None
    subject: Glob | None = None
    number: int = 0

    def accepts(self, event: Envelope) -> bool:
        """Everything but the event's type."""
        if self.source is not None and not self.source.matches(event.source):
            return False
        if self.subject is not None and not self.subject.matches(event.subject):
            return False
        return matches(self.filter, event)


@dataclass(slots=True)
class Bucket(Generic[K]):
    """The triggers of one event type: by anchor, and the rest that has none."""

    anchored: dict[Path, dict[Any, list[Entry[K]]]] = field(default_factory=dict)
    rest: list[Entry[K]] = field(default_factory=list)

    def candidates(self, event: Envelope) -> list[Entry[K]]:
        found = list(self.rest)
        for path, postings in self.anchored.items():
            found.extend(_found(postings, event, path))
        return found


class Index(Generic[K]):
    """Built once from a tenant's triggers, then asked about many events."""

    def __init__(self, entries: Iterable[Entry[K]]) -> None:
        exact: dict[str, list[Entry[K]]] = defaultdict(list)
        globs: dict[Glob, list[Entry[K]]] = defaultdict(list)
        for number, entry in enumerate(entries):
            glob = entry.event_type
            filed = globs[glob] if glob.exact is None else exact[glob.exact]
            filed += [replace(entry, number=number, filter=way) for way in entry.filter.ways or (entry.filter,)]
        self._exact = {event_type: _bucket(of_type) for event_type, of_type in exact.items()}
        self._globs: dict[str, list[tuple[Glob, Bucket[K]]]] = defaultdict(list)
        for glob, of_type in globs.items():
            self._globs[glob.prefix].append((glob, _bucket(of_type)))
        self._prefix_lengths = sorted({len(prefix) for prefix in self._globs})

    def candidates(self, event: Envelope) -> list[Entry[K]]:
        """The triggers that may match: all that do, and few that do not."""
        exact = self._exact.get(event.type)
        found = exact.candidates(event) if exact is not None else []
        for length in self._prefix_lengths:
            for glob, bucket in self._globs.get(event.type[:length], ()):
                if glob.matches(event.type):
                    found.extend(bucket.candidates(event))
        return found

    def match(self, event: Envelope) -> list[K]:
        """The keys of the triggers that match, in the order they were given."""
        found = {entry.number: entry.key for entry in self.candidates(event) if entry.accepts(event)}
        return [key for _number, key in sorted(found.items(), key=lambda item: item[0])]


def _bucket(entries: list[Entry[K]]) -> Bucket[K]:
    shared = Counter((leaf.path, key) for entry in entries for leaf in _exact_leaves(entry) for key in leaf.keys)
    bucket: Bucket[K] = Bucket()
    for entry in entries:
        anchor = min(_exact_leaves(entry), key=lambda leaf: _cost(leaf, shared), default=None)
        if anchor is None:
            bucket.rest.append(entry)
            continue
        postings = bucket.anchored.setdefault(anchor.path, {})
        for key in anchor.keys:
            postings.setdefault(key, []).append(entry)
    return bucket


def _exact_leaves(entry: Entry[K]) -> Iterator[Leaf]:
    """The conditions that can hold only for one of their listed values."""
    return (leaf for leaf in entry.filter.leaves if leaf.keys and not leaf.tests)


def _cost(leaf: Leaf, shared: Counter[tuple[Path, Any]]) -> int:
    return sum(shared[leaf.path, key] for key in leaf.keys)


def _found(postings: dict[Any, list[Entry[K]]], event: Envelope, path: Path) -> Iterable[Entry[K]]:
    if len(path) == 1 and type(event.payload) is dict:  # the common case, worth a short way
        value = event.payload.get(path[0], MISSING)
        if type(value) in PLAIN:
            return postings.get(value, ())
    keys = {key_of(value) for value in values_at(event, path)}
    once = {id(entry): entry for key in keys for entry in postings.get(key, ())}
    return once.values()
