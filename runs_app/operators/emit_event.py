"""`emit_event`: make a named event known to all of the tenant, now and later. The first payload of a name wins."""

from __future__ import annotations

from dataclasses import replace

from highway_automation.base.safe_json import JSON
from runs_app.operators.base import Operator, Step, Task
from runs_app.operators.event_names import event_name
from runs_app.outcomes import Emission, Failed, Outcome, Succeeded

OWN_METADATA = ("once",)


def begin(task: Task, step: Step) -> Outcome:
    name = event_name(task, step)
    if isinstance(name, Failed):
        return name
    payload = step.resolve(task["payload"] or _from_metadata(task))
    outcome = step.succeed({"event_name": name, "payload": payload})
    return replace(outcome, emits=(Emission(name, payload),)) if isinstance(outcome, Succeeded) else outcome


def _from_metadata(task: Task) -> JSON:
    """Newer versions of Highway's Driver send the payload as the step's metadata."""
    return {key: value for key, value in task["metadata"].items() if key not in OWN_METADATA}


OPERATOR = Operator(begin=begin)
