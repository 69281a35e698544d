"""The verbs of this room: everything that writes a schedule or its ledger."""

from __future__ import annotations

from schedules_app.actions.edit import create_schedule, delete_schedule, update_schedule
from schedules_app.actions.failures import run_ended
from schedules_app.actions.fire import fire_due, next_due
from schedules_app.actions.hand import run_now, skip_next
from schedules_app.actions.importing import ScheduleImporter
from schedules_app.actions.pause import pause_schedule, resume_schedule
from schedules_app.actions.purge import purge_ticks

__all__ = [
    "ScheduleImporter",
    "create_schedule",
    "delete_schedule",
    "fire_due",
    "next_due",
    "pause_schedule",
    "purge_ticks",
    "resume_schedule",
    "run_ended",
    "run_now",
    "skip_next",
    "update_schedule",
]
