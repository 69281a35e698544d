"""`wait_for_event`: go on when an event of this name came, be it before, or fail when its time has run out."""

from __future__ import annotations

from datetime import datetime, timedelta

from highway_automation.base.safe_json import JSON
from runs_app.operators.base import Came, Operator, Step, Task
from runs_app.operators.event_names import event_name
from runs_app.outcomes import Failed, Outcome, Parked


def begin(task: Task, step: Step) -> Outcome:
    name = event_name(task, step)
    if isinstance(name, Failed):
        return name
    if came := step.came(name):
        return _heard(name, came, step)
    limits = [seconds for key in ("timeout_seconds", "timeout") if (seconds := task.get(key))]
    try:
        until = step.now() + timedelta(seconds=min(limits)) if limits else None
    except OverflowError:
        until = None
    return _park(name, until)


def resume(task: Task, state: JSON, step: Step) -> Outcome:
    name = state["event_name"]
    if came := step.came(name):
        return _heard(name, came, step)
    until = datetime.fromisoformat(state["until"]) if state["until"] else None
    if until is None or until > step.now():
        return _park(name, until)
    return Failed(f"No event {name!r} came in time.")


def _park(name: str, until: datetime | None) -> Parked:
    state = {"event_name": name, "until": until.isoformat() if until else None}
    return Parked(until, state, event=name, note=f"event {name}")


def _heard(name: str, came: Came, step: Step) -> Outcome:
    """The payload's keys, and beside them the payload as a whole: authors read it either way."""
    payload = came.payload
    output = {**payload, "payload": payload} if isinstance(payload, dict) else {"payload": payload}
    outcome = step.succeed(output)
    if came.error:
        return Failed(f"What {name!r} tells of failed: {came.error}", permanent=True, output=outcome.output)
    return outcome


OPERATOR = Operator(begin=begin, resume=resume)
