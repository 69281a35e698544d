"""A slow, literal re-telling of Debian cron's main loop (cron.c, entry.c), to hold our results against.

It wakes at every minute of real time, looks at the wall clock of the zone and decides as cron does. Nothing here is
shared with the product. Two runs that cron would start within the same minute count once.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name.lower(): n for n, name in enumerate(calendar.month_abbr)},
    {name.lower(): (n + 1) % 7 for n, name in enumerate(calendar.day_abbr)},
)


@dataclass
class Entry:
    sets: list[set[int]]
    dom_star: bool
    dow_star: bool
    wild: bool

    def matches(self, wall: datetime) -> bool:
        minute, hour, dom, month, dow = self.sets
        day, weekday = wall.day in dom, (wall.weekday() + 1) % 7 in dow
        right_day = (day and weekday) if self.dom_star or self.dow_star else (day or weekday)
        return wall.minute in minute and wall.hour in hour and wall.month in month and right_day


def read(expression: str) -> Entry:
    fields = expression.lower().split()
    sets = [numbers(index, field) for index, field in enumerate(fields)]
    if 7 in sets[4]:
        sets[4].add(0)
    stars = [field.startswith("*") for field in fields]
    return Entry(sets, stars[2], stars[4], stars[0] or stars[1])


def numbers(index: int, field: str) -> set[int]:
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, high = BOUNDS[index] if span == "*" else bounds(index, span)
        found.update(range(low, high + 1, int(step or 1)))
    return found


def bounds(index: int, span: str) -> tuple[int, int]:
    low, _, high = span.partition("-")
    return number(index, low), number(index, high or low)


def number(index: int, text: str) -> int:
    return NAMES[index][text] if text in NAMES[index] else int(text)


def fires(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The minutes in (start, end] at which cron starts the job; `start` must lie well before a change of the clock."""
    entry, tz = read(expression), ZoneInfo(zone)
    found = []
    virtual = wall(start, tz)
    at = start
    while at < end:
        at += MINUTE
        virtual, fired = wake(entry, virtual, wall(at, tz))
        if fired:
            found.append(at)
    return found


def wall(at: datetime, tz: ZoneInfo) -> datetime:
    return at.astimezone(tz).replace(tzinfo=None, fold=0)


def wake(entry: Entry, virtual: datetime, now: datetime) -> tuple[datetime, bool]:
    """One turn of cron's loop: the virtual clock it keeps, and whether the job was started."""
    difference = (now - virtual) // MINUTE
    if difference == 1:
        return now, entry.matches(now)
    if -180 < difference <= 0:  # the clock went back: wildcard jobs only, until the virtual time is reached again
        return virtual, entry.wild and entry.matches(now)
    if 1 < difference <= 5:
        return now, any(entry.matches(virtual + MINUTE * n) for n in range(1, difference + 1))
    if 5 < difference <= 180:  # the clock went forward: wildcard jobs of this minute, fixed jobs of all skipped minutes
        missed = any(entry.matches(virtual + MINUTE * n) for n in range(1, difference + 1))
        return now, entry.matches(now) if entry.wild else missed
    return now, entry.matches(now)
