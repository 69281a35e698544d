from __future__ import annotations

from schedules_app.models.choices import CatchUp, Outcome, Overlap
from schedules_app.models.schedule import ScheduledWorkflow
from schedules_app.models.streak import FailureStreak
from schedules_app.models.tick import LIVE, ScheduleTick

__all__ = ["LIVE", "CatchUp", "FailureStreak", "Outcome", "Overlap", "ScheduleTick", "ScheduledWorkflow"]
