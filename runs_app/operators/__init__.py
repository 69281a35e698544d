"""The operators, one file each. A definition may use any of the language's; one that is not here fails its step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs_app.operators import activity, activity_work, condition, emit_event, switch, task, wait, wait_for_event
from runs_app.operators.base import Operator, Task

OPERATORS: dict[str, Operator] = {
    "activity": activity.OPERATOR,
    "activity_work": activity_work.OPERATOR,
    "condition": condition.OPERATOR,
    "emit_event": emit_event.OPERATOR,
    "switch": switch.OPERATOR,
    "task": task.OPERATOR,
    "wait": wait.OPERATOR,
    "wait_for_event": wait_for_event.OPERATOR,
}
"""By their names in a definition; `activity_work` stands in none, an activity is expanded to it."""


def targets(task: Task) -> tuple[str, ...]:
    """The steps that this one may choose; they wait for the choice."""
    operator = OPERATORS.get(task["operator_type"])
    return operator.targets(task) if operator else ()


def expanded(tasks: Mapping[str, Task]) -> dict[str, Any]:
    """The steps to run for these tasks: mostly the tasks themselves."""
    steps: dict[str, Any] = {}
    for name, written in tasks.items():
        operator = OPERATORS.get(written["operator_type"])
        steps |= operator.expand(written) if operator else {name: written}
    return steps
