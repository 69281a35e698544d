"""This room's only listener to the rooms below."""

from __future__ import annotations

from typing import Any

from runs_app.models import WorkflowRun
from runs_app.signals import run_finished
from schedules_app import actions


def connect() -> None:
    run_finished.connect(on_run_finished, dispatch_uid="schedules.run_finished")


def on_run_finished(run: WorkflowRun, **kwargs: Any) -> None:
    """A schedule's run that ended well or badly counts; runs of other causes are nothing to this room."""
    if run.cause_kind == "schedule":
        actions.run_ended(run)
