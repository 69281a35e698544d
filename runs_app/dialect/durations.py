"""Spans and moments in every spelling that definitions use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_SECONDS = 100 * 365 * 86_400
LONGEST_TEXT = 100
NUMBER = r"(\d+(?:[.,]\d+)?)"
ISO = re.compile(
    rf"P(?:{NUMBER}Y)?(?:{NUMBER}M)?(?:{NUMBER}W)?(?:{NUMBER}D)?(?:T(?:{NUMBER}H)?(?:{NUMBER}M)?(?:{NUMBER}S)?)?",
    re.IGNORECASE,
)
ISO_SECONDS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)
CLOCK = re.compile(r"(?:(\d+) days?,? )?(\d+):(\d{2}):(\d{2}(?:\.\d+)?)")
YEAR = re.compile(r"([+-]?)(\d{4,6})-\d{2}-\d{2}(?!\d)", re.ASCII)
TIME_OF_DAY = re.compile(r"time:([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*,?", re.IGNORECASE)
UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
EXPECTED = 'expected a duration: seconds, "PT5M", "P1DT2H", "2d" or "1h30m"'


class OutOfRange(ValueError):
    """A moment whose UTC date does not exist."""


def seconds(value: Any) -> int | float:
    """The length of a duration in seconds.

    Understands numbers (seconds), ISO 8601 (a year is 365 days, a month 30), `2d`/`1h30m`/`10 minutes`, `1:30:00`,
    `duration:90`, numbers as text, and `{"hours": 1, "minutes": 30}`.

    Raises:
        ValueError: none of these, negative, or longer than a hundred years.
    """
    length = _length(value)
    if length is None:
        raise ValueError(f"{EXPECTED}, not {_shown(value)}")
    if length < 0:
        raise ValueError(f"a duration cannot be negative, as {_shown(value)} is")
    if length > MAX_SECONDS:
        raise ValueError(f"{_shown(value)} is longer than a hundred years")
    return plain(length)


def moment(value: Any) -> datetime:
    """The instant of an ISO 8601 text, `datetime:` before it or not; without a zone it is UTC.

    Raises:
        OutOfRange: not within the years 1 to 9999 of UTC.
        ValueError: none of these.
    """
    text = str(value).strip().removeprefix("datetime:")
    try:
        if _beyond_the_calendar(text):
            raise OverflowError
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at.astimezone(UTC)
    except ValueError:
        raise ValueError(f'expected a time such as "2030-01-01T00:00:00Z", not {_shown(value)}') from None
    except OverflowError:
        raise OutOfRange(f"{_shown(value)} is outside of the years 1 to 9999 in UTC") from None
    return at


def _beyond_the_calendar(text: str) -> bool:
    """Whether it begins as a date of a year that no calendar here has."""
    match = YEAR.match(text)
    return match is not None and (match[1] == "-" or not 1 <= int(match[2]) <= 9999)


def wake_at(value: Any, now: datetime) -> datetime:
    """When a wait that begins now ends: a moment, a duration from now, or `time:04:00`, the next such time in UTC.

    Raises:
        OutOfRange: a moment not within the years 1 to 9999 of UTC.
        ValueError: none of these.
    """
    if isinstance(value, str) and (match := TIME_OF_DAY.fullmatch(value.strip())):
        hour, minute, second = (int(part or 0) for part in match.groups())
        at = now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
        return at if at > now else at + timedelta(days=1)
    try:
        return moment(value)
    except OutOfRange:
        raise
    except ValueError:
        return now + timedelta(seconds=seconds(value))


def plain(number: int | float) -> int | float:
    """5 rather than 5.0, so that equal definitions have equal texts."""
    return int(number) if number == int(number) else number


def _length(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if abs(value) <= MAX_SECONDS * 2 else MAX_SECONDS * 2  # also tames infinities
    if isinstance(value, dict):
        return _units(value)
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return _text(value.strip().removeprefix("duration:"))
    return None


def _text(text: str) -> float | None:
    if text.startswith(("-", "+")):
        length = _text(text[1:]) if text[1:2].isalnum() else None
        return -length if length and text[0] == "-" else length
    return next((found for read in (_iso, _clock, _friendly, _number) if (found := read(text)) is not None), None)


def _iso(text: str) -> float | None:
    match = ISO.fullmatch(text)
    if match is None or not any(match.groups()) or text[-1] in "Tt":
        return None
    parts = zip(match.groups(), ISO_SECONDS, strict=True)
    return sum(float(part.replace(",", ".")) * unit for part, unit in parts if part)


def _clock(text: str) -> float | None:
    match = CLOCK.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, rest = match.groups()
    return int(days or 0) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + float(rest)


def _friendly(text: str) -> float | None:
    total, position = 0.0, 0
    while position < len(text):
        match = PART.match(text, position)
        if match is None or match[2].lower() not in UNITS:
            return None
        total += float(match[1]) * UNITS[match[2].lower()]
        position = match.end()
    return total if text else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII) else None


def _units(value: dict[Any, Any]) -> float | None:
    if not value or not all(unit in UNITS and _is_number(amount) for unit, amount in value.items()):
        return None
    return float(sum(amount * UNITS[unit] for unit, amount in value.items()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_SECONDS * 1_000


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
