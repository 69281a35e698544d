"""Which times of a schedule are due, and which of them run: decisions without a database and without a clock.

A schedule that is spread starts each of its times a fixed while later. `next_run_at` is when the next one starts;
everything here but `next_start` and `due` speaks of the times themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, takewhile

from schedules_app.cron import CronSpec, Tick, first_tick, iter_ticks, previous_tick
from schedules_app.models import CatchUp, ScheduledWorkflow

GRACE = timedelta(seconds=60)
"""A time that is decided no later than this is on time, whatever the catch-up policy."""
MOST_ROWS = 100
"""Missed times that get a row each; one further row stands for all between them and the latest ones."""
MOST_COUNTED = 1_000
INSTANT = timedelta(microseconds=1)
EVER = timedelta(days=366 * 1000)


@dataclass(frozen=True)
class Slot:
    """One due time. `runs` is False for a missed one, whose `reason` says why; `times` > 1 where one row stands for
    many.
    """

    at: datetime
    runs: bool
    reason: str = ""
    times: int = 1


@dataclass(frozen=True)
class Due:
    """The due times in order and the first one that is not due yet (None: the schedule has ended)."""

    slots: list[Slot]
    following: datetime | None


def delay(schedule: ScheduledWorkflow) -> timedelta:
    """How long after each of its times it starts: a fixed part of its spread, chosen by its id."""
    if not schedule.spread:
        return timedelta(0)
    chosen = int.from_bytes(hashlib.sha256(schedule.pk.bytes).digest()[:8], "big")
    return timedelta(seconds=chosen % schedule.spread)


def next_start(schedule: ScheduledWorkflow, after: datetime) -> datetime | None:
    """When the first time strictly after `after` starts. Raises CronError."""
    slot = first_slot(schedule, after)
    return slot and slot + delay(schedule)


def first_slot(schedule: ScheduledWorkflow, after: datetime) -> datetime | None:
    """The first time strictly after `after` within the schedule's start and end. Raises CronError."""
    return next((tick.at for tick in upcoming(schedule, after)), None)


def upcoming(schedule: ScheduledWorkflow, after: datetime) -> Iterator[Tick]:
    """The times strictly after `after` within the schedule's start and end, in order. Raises CronError."""
    if schedule.start_at and schedule.start_at > after:
        after = schedule.start_at - INSTANT
    ticks = iter_ticks(schedule.spec, after)
    return takewhile(lambda tick: not schedule.end_at or tick.at <= schedule.end_at, ticks)


def interval_start(schedule: ScheduledWorkflow, at: datetime) -> datetime:
    """The time before `at`, where the interval that `at` closes begins; `at` itself if there was none."""
    earlier = previous_tick(schedule.spec, at)
    return earlier.at if earlier else at


def note_of(spec: CronSpec, at: datetime) -> str:
    """What the clock change did to this time, for people; mostly nothing."""
    tick = first_tick(spec, at - INSTANT) if spec.timezone != "UTC" else None
    return tick.note if tick and tick.at == at else ""


def due(schedule: ScheduledWorkflow, at: datetime) -> Due:
    """Decide every time from the schedule's `next_run_at` up to the moment `at`. Raises CronError."""
    late = delay(schedule)
    if schedule.next_run_at is None:
        return Due([], next_start(schedule, at))
    slots, following = _due(schedule, schedule.next_run_at - late, at - late)
    return Due(slots, following and following + late)


def _due(schedule: ScheduledWorkflow, first: datetime, at: datetime) -> tuple[list[Slot], datetime | None]:
    until = min(at, schedule.end_at) if schedule.end_at else at
    head, following = _walk(schedule, first, until)
    if len(head) <= MOST_ROWS:
        return [_judge(schedule, time, at, newest=time == head[-1]) for time in head], following
    rest = head.pop()
    slots = [_judge(schedule, time, at, newest=False) for time in head]
    if schedule.catch_up == CatchUp.ALL and (again := _first_made_up(schedule, rest, at, until)):
        return [*slots, *_folded(schedule.spec, rest, again)], again  # due at once: the next ones get their rows then
    latest = _latest(schedule.spec, rest, at, until)
    slots += _folded(schedule.spec, rest, latest[0])
    slots += [_judge(schedule, time, at, newest=time == latest[-1]) for time in latest]
    return slots, first_slot(schedule, until)


def _walk(schedule: ScheduledWorkflow, first: datetime, until: datetime) -> tuple[list[datetime], datetime | None]:
    """The times from `first` up to `until`, one more than get a row each at most, and the one after them."""
    found: list[datetime] = []
    for time in chain([first], (tick.at for tick in iter_ticks(schedule.spec, first))):
        if time > until or len(found) > MOST_ROWS:
            return found, (None if schedule.end_at and time > schedule.end_at else time)
        found.append(time)
    return found, None


def _first_made_up(schedule: ScheduledWorkflow, first: datetime, at: datetime, until: datetime) -> datetime | None:
    """The first time from `first` on that is not too old to be made up for."""
    return next(_between(schedule.spec, max(first, at - _window(schedule)), until), None)


def _latest(spec: CronSpec, first: datetime, at: datetime, until: datetime) -> list[datetime]:
    """The times from `first` on that may still run after a long gap: those on time, or else the newest one."""
    fresh = list(_between(spec, max(first, at - GRACE), until))
    newest = None if fresh else previous_tick(spec, until + INSTANT)
    return fresh or ([newest.at] if newest else [first])


def _between(spec: CronSpec, start: datetime, end: datetime) -> Iterator[datetime]:
    return takewhile(lambda time: time <= end, (tick.at for tick in iter_ticks(spec, start - INSTANT)))


def _window(schedule: ScheduledWorkflow) -> timedelta:
    """How late a time may be made up for."""
    seconds = schedule.catch_up_window
    return EVER if seconds is None else max(timedelta(seconds=seconds), GRACE)


def _folded(spec: CronSpec, first: datetime, end: datetime) -> list[Slot]:
    """One slot for all times from `first` up to `end` (excluded), counted up to a bound."""
    if first >= end:
        return []
    times = 1 + sum(1 for _ in islice(takewhile(lambda tick: tick.at < end, iter_ticks(spec, first)), MOST_COUNTED))
    number = f"{times} times" if times <= MOST_COUNTED else f"More than {MOST_COUNTED} times"
    return [Slot(first, False, f"{number} from here to {end.isoformat()} (excluded) were missed.", times)]


def _judge(schedule: ScheduledWorkflow, time: datetime, at: datetime, *, newest: bool) -> Slot:
    late = at - time
    if late <= GRACE:
        return Slot(time, True)
    if schedule.catch_up == CatchUp.NONE:
        return Slot(time, False, f"No scheduler was running for {_span(late)}, and catch-up is none.")
    if schedule.catch_up == CatchUp.LATEST and not newest:
        return Slot(time, False, "No scheduler was running; only the latest missed time is made up for.")
    if late > _window(schedule):
        window = f"outside the catch-up window ({schedule.catch_up_window} s)"
        return Slot(time, False, f"It is {_span(late)} late, {window}.")
    return Slot(time, True, f"Made up for {_span(late)} late.")


def _span(length: timedelta) -> str:
    return str(timedelta(seconds=int(length.total_seconds())))
