"""What a schedule will do, shown before and after it is saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile

from highway_automation.base.safe_json import JSON
from schedules_app import cron, timing
from schedules_app.cron import Tick
from schedules_app.models import ScheduledWorkflow

MOST = 100
HORIZON = timedelta(days=366 * 60)


def preview(schedule: ScheduledWorkflow, after: datetime, count: int) -> JSON:
    """The next `count` times with their marks, and the expression in words. Raises CronError."""
    spec = schedule.spec
    late = timing.delay(schedule)
    near = takewhile(lambda tick: tick.at - after < HORIZON, timing.upcoming(schedule, after))
    left = MOST if schedule.remaining_runs is None else schedule.remaining_runs
    ticks = [Tick(tick.at + late, noted(tick, late)) for tick in islice(near, min(count, MOST, left))]
    return {
        "cron_expression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "description": cron.describe(spec),
        "ticks": [
            {
                "at": tick.at,
                "local": tick.at.astimezone(spec.zone).isoformat(),
                "words": cron.moment(tick.at, spec.zone),
                "note": tick.note,
            }
            for tick in ticks
        ],
    }


def noted(tick: Tick, late: timedelta) -> str:
    return "; ".join(filter(None, [tick.note, f"spread by {late}" if late else ""]))


def in_words(schedule: ScheduledWorkflow) -> str:
    """The expression in plain language; for one that cannot be read, why."""
    try:
        return cron.describe(schedule.spec)
    except cron.CronError as error:
        return str(error)
