"""`task`: call a tool."""

from __future__ import annotations

from highway_automation.base.safe_json import JSON
from runs_app.operators.base import Operator, Step, Task
from runs_app.outcomes import Outcome


def begin(task: Task, step: Step) -> Outcome:
    return step.call(task["function"], task["args"], task["kwargs"])


def resume(task: Task, state: JSON, step: Step) -> Outcome:
    return step.resume(task["function"], state)


OPERATOR = Operator(begin=begin, resume=resume, tool=lambda task: str(task["function"]))
