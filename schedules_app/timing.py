"""Which times of a schedule are due, and which of them run: decisions without a database and without a clock."""

from __future__ import annotations

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
    if schedule.next_run_at is None:
        return Due([], first_slot(schedule, at))
    until = min(at, schedule.end_at) if schedule.end_at else at
    head, following = _walk(schedule, schedule.next_run_at, until)
    latest: list[datetime] = []
    folded: list[Slot] = []
    if len(head) > MOST_ROWS:
        latest = _latest(schedule.spec, head[-2], at, until)
        folded = _folded(schedule.spec, head.pop(), latest[0])
        following = first_slot(schedule, until)
    slots = [_judge(schedule, time, at, newest=time == (latest or head)[-1]) for time in (*head, *latest)]
    return Due([*slots[: len(head)], *folded, *slots[len(head) :]], following)


def _walk(schedule: ScheduledWorkflow, first: datetime, until: datetime) -> tuple[list[datetime], datetime | None]:
    """The times from `first` up to `until`, one more than get a row each at most, and the one after them."""
    found: list[datetime] = []
    for time in chain([first], (tick.at for tick in iter_ticks(schedule.spec, first))):
        if time > until or len(found) > MOST_ROWS:
            return found, (None if schedule.end_at and time > schedule.end_at else time)
        found.append(time)
    return found, None


def _latest(spec: CronSpec, after: datetime, at: datetime, until: datetime) -> list[datetime]:
    """The times that may still run after a long gap: those on time, or else the newest one."""
    start = max(after, at - GRACE - INSTANT)
    fresh = [tick.at for tick in takewhile(lambda tick: tick.at <= until, iter_ticks(spec, start))]
    if fresh:
        return fresh
    newest = previous_tick(spec, until + INSTANT)
    return [newest.at] if newest else []


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
    if schedule.catch_up != CatchUp.LATEST:
        return Slot(time, False, f"No scheduler was running for {_span(late)}, and catch-up is none.")
    if not newest:
        return Slot(time, False, "No scheduler was running; only the latest missed time is made up for.")
    window = schedule.catch_up_window
    if window is not None and late > timedelta(seconds=window):
        return Slot(time, False, f"It is {_span(late)} late, outside the catch-up window ({window} s).")
    return Slot(time, True, f"Made up for {_span(late)} late.")


def _span(length: timedelta) -> str:
    return str(timedelta(seconds=int(length.total_seconds())))
