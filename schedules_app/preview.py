"""What a schedule will do, shown before and after it is saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, takewhile

from highway_automation.base.safe_json import JSON
from schedules_app import cron, timing
from schedules_app.models import ScheduledWorkflow

MOST = 100
HORIZON = timedelta(days=366 * 60)


def preview(schedule: ScheduledWorkflow, after: datetime, count: int) -> JSON:
    """The next `count` times with their marks, and the expression in words. Raises CronError."""
    spec = schedule.spec
    near = takewhile(lambda tick: tick.at - after < HORIZON, timing.upcoming(schedule, after))
    ticks = islice(near, min(count, MOST))
    return {
        "cron_expression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "description": cron.describe(spec),
        "ticks": [
            {"at": tick.at, "local": tick.at.astimezone(spec.zone).isoformat(), "note": tick.note} for tick in ticks
        ],
    }


def in_words(schedule: ScheduledWorkflow) -> str:
    """The expression in plain language; for one that cannot be read, why."""
    try:
        return cron.describe(schedule.spec)
    except cron.CronError as error:
        return str(error)
