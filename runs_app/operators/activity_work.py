"""The work of an activity: calls the tool, and tells its end, good or bad, to the run it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from runs_app.operators import task as calling
from runs_app.operators.base import Operator, Task
from runs_app.outcomes import Emission, Failed, Succeeded


def completion_event(activity: str) -> str:
    return f"activity_{activity}_completed"


def announces(task: Task, outcome: Succeeded | Failed) -> Sequence[Emission]:
    """Only its own run hears it: every run of a definition has activities of the same names."""
    name = completion_event(task["part_of"])
    if isinstance(outcome, Succeeded):
        return [Emission(name, {"status": "completed", "result": outcome.output}, own_run=True)]
    payload = {"status": "failed", "error": outcome.error, "result": outcome.output}
    return [Emission(name, payload, error=outcome.error, own_run=True)]


OPERATOR = Operator(
    begin=calling.begin, resume=calling.resume, tool=lambda task: str(task["function"]), announces=announces
)
