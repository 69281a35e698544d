"""The moments a spec names, in real time.

Between two changes of the clock a zone is a constant offset, so matching is done on naive wall-clock time segment by
segment; what lies in a gap or an overlap at a segment's edge is decided by the spec's policies, never by the library.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from schedules_app.cron.spec import CronSpec, Gap, Overlap

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BIG_JUMP = timedelta(hours=3)  # cron treats a change of three hours or more as a new clock and makes nothing up
LAST_YEAR = 9990


@dataclass(frozen=True, order=True)
class Tick:
    """One moment to fire (aware, UTC) and, where the clock change moved or doubled it, a note for people."""

    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Change:
    """The clock of a zone jumps at `at` from wall time `old` to wall time `new` (both naive)."""

    at: datetime
    old: datetime
    new: datetime

    @property
    def jump(self) -> timedelta:
        return self.new - self.old


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one offset, up to the naive wall-clock time `end` (excluded)."""

    offset: timedelta
    end: datetime
    opening: Change | None
    closing: Change | None


def first_tick(spec: CronSpec, after: datetime) -> Tick | None:
    """The first tick strictly after the aware moment `after`; None when the calendar ends first."""
    return next(iter_ticks(spec, after), None)


def next_ticks(spec: CronSpec, after: datetime, count: int = 1) -> list[Tick]:
    """The `count` ticks strictly after the aware moment `after`, in order."""
    return list(islice(iter_ticks(spec, after), count))


def only_tick(spec: CronSpec) -> Tick | None:
    """The one moment of a spec that names a single time; None for others, and where the clock jumps over it."""
    return first_tick(spec, EPOCH - timedelta(days=2)) if spec.once else None


def previous_tick(spec: CronSpec, before: datetime) -> Tick | None:
    """The last tick strictly before `before`; None if there was none in the 50 years before it."""
    following = first_tick(spec, before)
    reach = (following.at - before) if following else timedelta(days=1)
    while reach < timedelta(days=366 * 50):
        found = None
        for tick in iter_ticks(spec, before - reach):
            if tick.at >= before:
                break
            found = tick
        if found:
            return found
        reach *= 2
    return None


def iter_ticks(spec: CronSpec, after: datetime) -> Iterator[Tick]:
    """All ticks strictly after `after`, in order, each moment once."""
    after = after.astimezone(UTC)
    if after.year >= LAST_YEAR:
        return
    if spec.every:
        yield from _interval_ticks(spec.every, after)
        return
    if spec.once and spec.once.tzinfo:
        if spec.once > after:
            yield Tick(spec.once.astimezone(UTC))
        return
    last = after
    for tick in _wall_ticks(spec, after):
        if tick.at > last:
            last = tick.at
            yield tick


def _interval_ticks(every: timedelta, after: datetime) -> Iterator[Tick]:
    at = EPOCH + ((after - EPOCH) // every + 1) * every
    while at.year < LAST_YEAR:
        yield Tick(at)
        at += every


def _wall_ticks(spec: CronSpec, after: datetime) -> Iterator[Tick]:
    walk = _Walk(spec, after)
    for segment in _segments(spec.zone, after):
        walk.enter(segment)
        yield from heapq.merge(_made_up_ticks(spec, segment.opening, after), walk.through(segment))
        if walk.candidate is None and not _is_overlap(segment.closing):  # what comes once may come again there
            return


class _Walk:
    """The next wall-clock time that matches, carried from one segment to the next."""

    def __init__(self, spec: CronSpec, after: datetime) -> None:
        self.spec = spec
        local = after.astimezone(spec.zone).replace(tzinfo=None, fold=0, microsecond=0)
        self.candidate = spec.following(local)
        self.inside = True  # the first segment is entered in its middle

    def enter(self, segment: Segment) -> None:
        change = segment.opening
        if (
            change
            and not self.inside
            and (self.candidate is None or _is_overlap(change) or self.candidate < change.new)
        ):
            self.candidate = self.spec.following(change.new - SECOND)
        self.inside = False

    def through(self, segment: Segment) -> Iterator[Tick]:
        while self.candidate is not None and self.candidate < segment.end:
            wanted, note = _in_overlap(self.spec, segment, self.candidate)
            if wanted:
                yield Tick((self.candidate - segment.offset).replace(tzinfo=UTC), note)
            self.candidate = self.spec.following(self.candidate)


def _in_overlap(spec: CronSpec, segment: Segment, local: datetime) -> tuple[bool, str]:
    """Whether a wall-clock time fires in this segment; only times that the clock shows twice are ever refused."""
    closing, opening = segment.closing, segment.opening
    if closing and _is_overlap(closing) and local >= closing.new:
        return spec.overlap != Overlap.LAST, f"clocks go back: the first of two {_clock(local)}"
    if opening and _is_overlap(opening) and local < opening.old:
        again = spec.overlap in (Overlap.LAST, Overlap.BOTH)
        as_cron = spec.overlap == Overlap.CRON and (spec.wildcard or -opening.jump > BIG_JUMP)
        return again or as_cron, f"clocks go back: the second of two {_clock(local)}"
    return True, ""


def _made_up_ticks(spec: CronSpec, change: Change | None, after: datetime) -> list[Tick]:
    """What was due in the gap that opens a segment, placed after it as the policy says."""
    if change is None or change.jump <= timedelta(0) or after >= change.at + change.jump:
        return []
    as_cron = spec.gap == Gap.CRON and not spec.wildcard and change.jump < BIG_JUMP
    if not as_cron and spec.gap != Gap.SHIFT:
        return []
    missed = _missed(spec, change)
    if as_cron:
        return [_made_up(missed[0], change.new, change.at)] if missed else []
    return [_made_up(local, local + change.jump, change.at + (local - change.old)) for local in missed]


def _made_up(local: datetime, moved: datetime, at: datetime) -> Tick:
    return Tick(at, f"clocks go forward: {_clock(local)} does not exist, runs at {_clock(moved)}")


@lru_cache(maxsize=1024)
def _missed(spec: CronSpec, change: Change) -> tuple[datetime, ...]:
    """The wall-clock times named by the spec that the jump leaves out."""
    found = []
    local = spec.following(change.old - SECOND)
    while local is not None and local < change.new:
        found.append(local)
        local = spec.following(local)
    return tuple(found)


def _is_overlap(change: Change | None) -> bool:
    return change is not None and change.jump < timedelta(0)


def _clock(local: datetime) -> str:
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


def _segments(zone: ZoneInfo, after: datetime) -> Iterator[Segment]:
    """The stretches of constant offset from the one that holds `after` on; the end of a UTC year splits one too."""
    opening = _latest_change(zone, after)
    for year in range(after.year, LAST_YEAR):
        for change in _changes(zone, year):
            if change.at > after:
                yield Segment(_offset(zone, change.at - SECOND), change.old, opening, change)
                opening = change
        end = datetime(year + 1, 1, 1, tzinfo=UTC)
        if opening is None or opening.at < end:
            offset = _offset(zone, end - SECOND)
            yield Segment(offset, end.replace(tzinfo=None) + offset, opening, None)
            opening = None


def _latest_change(zone: ZoneInfo, after: datetime) -> Change | None:
    changes = _changes(zone, after.year - 1) + _changes(zone, after.year)
    return next((change for change in reversed(changes) if change.at <= after), None)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """Every change of the zone's offset in a UTC year, to the second."""
    found = []
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < end:
        later = at + timedelta(days=1)
        if _offset(zone, at) != _offset(zone, later):
            found.append(_pinpoint(zone, at, later))
        at = later
    return tuple(found)


def _pinpoint(zone: ZoneInfo, low: datetime, high: datetime) -> Change:
    before, after = _offset(zone, low), _offset(zone, high)
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    naive = high.replace(tzinfo=None)
    return Change(high, naive + before, naive + after)
