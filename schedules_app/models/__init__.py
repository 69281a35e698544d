from __future__ import annotations

from schedules_app.models.choices import NOT_BUILT, CatchUp, Outcome, Overlap
from schedules_app.models.schedule import ScheduledWorkflow
from schedules_app.models.tick import LIVE, ScheduleTick

__all__ = ["LIVE", "NOT_BUILT", "CatchUp", "Outcome", "Overlap", "ScheduleTick", "ScheduledWorkflow"]
