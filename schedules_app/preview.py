"""What a schedule will do, shown before and after it is saved."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from highway_automation.base.safe_json import JSON
from schedules_app import cron, timing
from schedules_app.cron import Tick
from schedules_app.models import ScheduledWorkflow

MOST = 100
HORIZON = timedelta(days=366 * 60)


def preview(schedule: ScheduledWorkflow, after: datetime, count: int, skipped: Container[datetime] = ()) -> JSON:
    """The next `count` starts with what clock changes do to them, and the expression in words; `skipped` times are left
    out. Raises CronError.
    """
    spec, late = schedule.spec, timing.delay(schedule)
    near = takewhile(lambda tick: tick.at - after < HORIZON, timing.upcoming(schedule, after))
    left = MOST if schedule.remaining_runs is None else schedule.remaining_runs
    wanted = islice((tick for tick in near if tick.at not in skipped), min(count, MOST, left))
    return {
        "cron_expression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "description": cron.describe(spec),
        "delay_seconds": int(late.total_seconds()),
        "ticks": [shown(Tick(tick.at + late, tick.note), spec.zone) for tick in wanted],
    }


def shown(tick: Tick, zone: ZoneInfo) -> dict[str, JSON]:
    return {
        "at": tick.at,
        "local": tick.at.astimezone(zone).isoformat(),
        "words": cron.moment(tick.at, zone),
        "note": tick.note,
    }


def in_words(schedule: ScheduledWorkflow) -> str:
    """The expression in plain language; for one that cannot be read, why."""
    try:
        return cron.describe(schedule.spec)
    except cron.CronError as error:
        return str(error)
