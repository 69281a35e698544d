"""A cron expression in plain language, for people who read the admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cron_descriptor import DescriptionTypeEnum, ExpressionDescriptor, Options  # type: ignore[import-untyped]

from schedules_app.cron.spec import HASHED, CronSpec

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def describe(spec: CronSpec) -> str:
    """One sentence such as "At 02:00, only on Sunday (Europe/Berlin)"; the expression itself where words fail."""
    if spec.every:
        every = duration(spec.every)
        plain = every.removeprefix("1 ") if every.count(" ") == 1 else every
        return f"Every {plain}, counted from midnight UTC on 1 January 1970"
    if spec.once:
        local = spec.once.astimezone(spec.zone) if spec.once.tzinfo else spec.once
        return f"Once, on {day(local)} at {clock(local)} ({spec.timezone})"
    try:
        return f"{_sentence(spec)} ({spec.timezone})"
    except Exception:  # a description never stands in the way of saving or showing a schedule
        return f"{spec.expression} ({spec.timezone})"


def day(local: datetime) -> str:
    """A date as people write it: Sunday 29 March 2026."""
    return f"{local:%A} {local.day} {local:%B} {local.year}"


def clock(local: datetime) -> str:
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment in words, with the name that the zone's clock has then: Sunday 29 March 2026 at 03:00 CEST."""
    local = at.astimezone(zone)
    return f"{day(local)} at {clock(local)} {local:%Z}"


def duration(length: timedelta) -> str:
    """A length in words: 1 hour 30 minutes."""
    seconds, words = int(length.total_seconds()), []
    for name, size in UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            words.append(f"{number} {name}{'s' if number > 1 else ''}")
    return " ".join(words)


def _sentence(spec: CronSpec) -> str:
    options = Options()
    options.locale_code = "en_US"
    options.use_24hour_time_format = True
    descriptor = ExpressionDescriptor(_readable(spec), options)
    if not spec.days_are_either:
        return str(descriptor.get_description())
    time, day, weekday, month = (
        descriptor.get_description(part)
        for part in (
            DescriptionTypeEnum.TIMEOFDAY,
            DescriptionTypeEnum.DAYOFMONTH,
            DescriptionTypeEnum.DAYOFWEEK,
            DescriptionTypeEnum.MONTH,
        )
    )
    either = weekday.removeprefix(", ").removeprefix("only ")
    sentence = descriptor.transform_verbosity(f"{time}{day} or {either}{month}", False)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _readable(spec: CronSpec) -> str:
    """The fields in the words' own order (seconds first), with `H` replaced by what it stands for."""
    fields = [_resolved(spec, index, part) for index, part in enumerate(spec.fields)]
    if len(fields) == 6:
        fields.insert(0, fields.pop())
    return " ".join(fields).upper()


def _resolved(spec: CronSpec, index: int, part: str) -> str:
    if spec.parsed is None or not HASHED.search(part):
        return part
    return ",".join(str(value) for value in spec.parsed.expanded[index])
