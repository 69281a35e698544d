"""`wait`: a durable pause, counted from the operator's start, or until a point in time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from highway_automation.base.safe_json import JSON
from runs_app.dialect import durations
from runs_app.operators.base import Operator, Step, Task
from runs_app.outcomes import Failed, Outcome, Parked, Succeeded


def begin(task: Task, step: Step) -> Outcome:
    try:
        until = _until(task["wait_for"], step)
    except (ValueError, OverflowError) as error:
        return Failed(f"wait_for: {error}", permanent=True)
    return _wait(until, step)


def resume(task: Task, state: JSON, step: Step) -> Outcome:
    """Back to sleep when something woke the step before its time."""
    return _wait(datetime.fromisoformat(state["waited_until"]), step)


def _wait(until: datetime, step: Step) -> Outcome:
    state = {"waited_until": until.isoformat()}
    return Parked(until=until, state=state) if until > step.now() else Succeeded(output=state)


def _until(wait_for: dict[str, Any], step: Step) -> datetime:
    if "until" in wait_for:
        return durations.moment(wait_for["until"])
    value = wait_for["seconds"] if "seconds" in wait_for else step.resolve(wait_for["text"])
    return durations.wake_at(value, step.now())


OPERATOR = Operator(begin=begin, resume=resume)
