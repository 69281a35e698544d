"""When a schedule fires: pure functions of an expression, a time zone and a moment; no database and no clock.

The grammar is cron's five fields (six: the last is seconds), `@daily` and its like, `@every 5m`, `@at` a single time,
and `L`, `#`, `W` and `H`. Days on which clocks change are treated as Debian's cron does unless a policy says otherwise.
"""

from __future__ import annotations

from schedules_app.cron.describe import describe, duration, moment
from schedules_app.cron.spec import CronError, CronSpec, Gap, Overlap, parse
from schedules_app.cron.ticks import Tick, first_tick, iter_ticks, next_ticks, only_tick, previous_tick

__all__ = [
    "CronError",
    "CronSpec",
    "Gap",
    "Overlap",
    "Tick",
    "describe",
    "duration",
    "first_tick",
    "iter_ticks",
    "moment",
    "next_ticks",
    "only_tick",
    "parse",
    "previous_tick",
]
