"""The operators, one file each. A definition may use any of the language's; one that is not here fails its step."""

from __future__ import annotations

from runs_app.operators import condition, switch, task, wait
from runs_app.operators.base import Operator, Task

OPERATORS: dict[str, Operator] = {
    "condition": condition.OPERATOR,
    "switch": switch.OPERATOR,
    "task": task.OPERATOR,
    "wait": wait.OPERATOR,
}


def targets(task: Task) -> tuple[str, ...]:
    """The steps that this one may choose; they wait for the choice."""
    operator = OPERATORS.get(task["operator_type"])
    return operator.targets(task) if operator else ()
