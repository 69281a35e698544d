"""Expression text to `CronSpec`, or `CronError` with the reason."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterBadDateError, CroniterError

MAX_LENGTH = 100
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31, L or 15W"),
    ("month", "1-12 or jan-dec"),
    ("day of week", "0-7 or sun-sat, 5#2, L5"),
    ("second", "0-59"),
)
MINUTE, HOUR, DAY, MONTH, WEEKDAY = range(5)
EVERY = re.compile(r"@every\s+((?:\d{1,9}[dhms])+)", re.ASCII)
EVERY_PART = re.compile(r"(\d+)([dhms])", re.ASCII)
UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST_EVERY = 366 * 86_400
AT = re.compile(r"@at (\d{4}-\d\d-\d\d)[ t](\d\d:\d\d(?::\d\d)?) ?(z|[+-]\d\d:\d\d)?", re.ASCII)
AT_YEARS = range(1970, 9000)
EQUAL_RANGE = re.compile(r"([a-z0-9]+)-\1(?:/\d+)?", re.ASCII)
HASHED = re.compile(r"(?:^|[\s,])h(?:$|[\s,(/])", re.ASCII)
RANDOM = re.compile(r"(?:^|[\s,])r(?:$|[\s,(/])", re.ASCII)
PROBE_FROM = datetime(2000, 1, 1)
Policy = TypeVar("Policy", bound=StrEnum)


class CronError(ValueError):
    """The expression, zone or policy cannot be used; the text says why, `field` which setting is meant."""

    def __init__(self, message: str, field: str = "cron_expression") -> None:
        super().__init__(message)
        self.field = field


class Gap(StrEnum):
    """What happens to a time that the clock jumps over in spring."""

    CRON = "cron"  # fixed times run once when the clock has jumped, wildcard jobs follow real time
    SKIP = "skip"
    SHIFT = "shift"  # moved on by the length of the jump: 02:30 becomes 03:30


class Overlap(StrEnum):
    """What happens to a time that the clock shows twice in autumn."""

    CRON = "cron"  # fixed times run in the first pass only, wildcard jobs in both
    FIRST = "first"
    LAST = "last"
    BOTH = "both"


@dataclass(frozen=True)
class CronSpec:
    """A checked expression. Equal settings give the same object, so its parsed form is shared."""

    expression: str
    timezone: str = "UTC"
    gap: Gap = Gap.CRON
    overlap: Overlap = Overlap.CRON
    day_or: bool = True
    seed: str = ""
    fields: tuple[str, ...] = ()
    every: timedelta | None = None
    once: datetime | None = None  # naive: as the zone's clock shows it
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"), compare=False, repr=False)
    parsed: croniter | None = field(default=None, compare=False, repr=False)

    @property
    def wildcard(self) -> bool:
        """Whether cron calls this a wildcard job: its minute or hour field starts with `*`."""
        return bool(self.fields) and any(self.fields[part].startswith("*") for part in (MINUTE, HOUR))

    @property
    def days_are_either(self) -> bool:
        """Whether day of month and day of week are both restricted and a match of either is enough."""
        both = self.fields[DAY], self.fields[WEEKDAY]
        return self.day_or and not any(part.startswith(("*", "?")) for part in both)

    def following(self, local: datetime) -> datetime | None:
        """The first matching wall-clock time after the naive `local`, whatever the zone does; None if there is none."""
        if self.once is not None:
            return self.once if local < self.once else None
        if self.parsed is None:
            return None
        cursor = copy.copy(self.parsed)  # a croniter holds its position; the parsed fields inside are shared
        try:
            return cursor.get_next(datetime, start_time=local)
        except (CroniterBadDateError, OverflowError, ValueError):
            return None


@lru_cache(maxsize=4096)
def parse(
    expression: str,
    timezone: str = "UTC",
    *,
    gap: Gap | str = Gap.CRON,
    overlap: Overlap | str = Overlap.CRON,
    day_or: bool = True,
    seed: str = "",
) -> CronSpec:
    """Check everything and return the spec. `seed` (a schedule's id) decides what `H` stands for. Raises CronError."""
    gap, overlap = _choice(Gap, gap, "dst_gap"), _choice(Overlap, overlap, "dst_overlap")
    zone = _zone(timezone)
    text = _plain(expression)
    if text.startswith("@every"):
        return CronSpec(expression, timezone, gap, overlap, day_or, every=_every(text), zone=zone)
    if text.startswith("@at"):
        overlap = Overlap.FIRST if overlap == Overlap.BOTH else overlap  # once is once
        return CronSpec(expression, timezone, gap, overlap, day_or, once=_once(text), zone=zone)
    fields = _fields(text)
    seed = seed if HASHED.search(" ".join(fields)) else ""
    parsed = _compile(fields, day_or, seed)
    spec = CronSpec(expression, timezone, gap, overlap, day_or, seed, fields, zone=zone, parsed=parsed)
    if spec.following(PROBE_FROM) is None:
        raise CronError(f"'{expression}' names a date that never comes.")
    return spec


def _choice(kind: type[Policy], value: str, setting: str) -> Policy:
    try:
        return kind(value)
    except ValueError:
        raise CronError(f"'{value}' is not one of {', '.join(kind)}.", setting) from None


def _zone(name: str) -> ZoneInfo:
    try:
        if name in ("", "localtime"):
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CronError(f"'{name}' is not a time zone; use an IANA name such as Europe/Berlin.", "timezone") from None


def _plain(expression: str) -> str:
    if len(expression) > MAX_LENGTH:
        raise CronError(f"The expression is longer than {MAX_LENGTH} characters.")
    odd = next((char for char in expression if not (" " <= char <= "~" or char == "\t")), None)
    if odd is not None:
        raise CronError(f"The character {odd!r} cannot stand in a cron expression; use plain ASCII.")
    text = " ".join(expression.lower().split())
    if not text:
        raise CronError("The expression is empty.")
    return text


def _every(text: str) -> timedelta:
    match = EVERY.fullmatch(text)
    if match is None:
        raise CronError("'@every' takes a duration such as 300s, 5m, 1h or 1h30m.")
    seconds = sum(int(number) * UNIT_SECONDS[unit] for number, unit in EVERY_PART.findall(match[1]))
    if not 1 <= seconds <= LONGEST_EVERY:
        raise CronError("'@every' takes from 1 second to 366 days.")
    return timedelta(seconds=seconds)


def _once(text: str) -> datetime:
    match = AT.fullmatch(text)
    if match is None:
        raise CronError("'@at' takes a time such as 2026-12-01 09:00, 2026-12-01T09:00:30Z or 2026-12-01T09:00+01:00.")
    try:
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}{(match[3] or '').upper()}")
    except ValueError as error:
        raise CronError(f"'{text.removeprefix('@at ')}' is no time: {error}.") from None
    if at.year not in AT_YEARS:
        raise CronError(f"'@at' takes a year from {AT_YEARS.start} to {AT_YEARS.stop - 1}.")
    return at


def _fields(text: str) -> tuple[str, ...]:
    if text.startswith("@") and text not in MACROS:
        raise CronError(f"'{text}' is not known; use {', '.join(MACROS)}, '@every 5m' or '@at 2026-12-01 09:00'.")
    parts = MACROS.get(text, text).split(" ")
    if len(parts) not in (5, 6):
        raise CronError(
            f"A cron expression has five fields (or six, the last being seconds), this one has {len(parts)}."
        )
    return tuple(_tidy(index, part) for index, part in enumerate(parts))


def _tidy(index: int, part: str) -> str:
    """Close the places where croniter and cron read the same text differently."""
    name, _ = FIELDS[index]
    if RANDOM.search(part):
        raise CronError(f"{name}: 'R' would differ at every look; use 'H', which stays the same for a schedule.")
    items = part.split(",")
    if len(items) > 1 and "*" in items:
        raise CronError(f"{name}: '*' cannot stand in a list with other values.")
    if index == DAY and part == "h":
        return "h(1-28)"  # so that every month has the day
    return ",".join(item.split("-")[0] if EQUAL_RANGE.fullmatch(item) else item for item in items)


def _compile(fields: tuple[str, ...], day_or: bool, seed: str) -> croniter:
    try:
        return _croniter(" ".join(fields), day_or, seed)
    except (CroniterError, ValueError, TypeError, KeyError):
        raise CronError(_reason(fields, day_or, seed)) from None


def _croniter(text: str, day_or: bool, seed: str) -> croniter:
    return croniter(text, PROBE_FROM, hash_id=seed or "schedule", day_or=day_or, implement_cron_bug=True)


def _reason(fields: tuple[str, ...], day_or: bool, seed: str) -> str:
    """Name the field that croniter refuses when the others are left open."""
    for index, part in enumerate(fields):
        alone = ["*"] * len(fields)
        alone[index] = part
        try:
            _croniter(" ".join(alone), day_or, seed)
        except (CroniterError, ValueError, TypeError, KeyError):
            name, allowed = FIELDS[index]
            return f"{name}: '{part}' is not valid (allowed: {allowed}, lists, ranges and steps)."
    return f"'{' '.join(fields)}' is not a cron expression."
