from __future__ import annotations

from schedules_app.admin.schedules import ScheduleAdmin
from schedules_app.admin.ticks import TickAdmin, TickInline

__all__ = ["ScheduleAdmin", "TickAdmin", "TickInline"]
