"""`activity`: start a long piece of work and go on; an event tells its end.

The work is a step of its own in the same run, beside what follows the activity: with the policies and handlers of the
activity, claimed, retried and journalled as any step. The activity itself only says how the event is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from runs_app.operators.activity_work import completion_event
from runs_app.operators.base import Operator, Step, Task
from runs_app.outcomes import Outcome, Succeeded

SUFFIX = "#work"  # no step id may hold a "#"


def begin(task: Task, step: Step) -> Outcome:
    return Succeeded({"completion_event": completion_event(task["part_of"])})


def expand(task: Task) -> Mapping[str, Task]:
    name = task["task_id"]
    start = {
        **task,
        "part_of": name,
        "metadata": {},
        "idempotency_key": None,
        "postconditions": [],
        "on_success_task_id": None,
        "on_failure_task_id": None,
    }
    work = {
        **task,
        "part_of": name,
        "task_id": f"{name}{SUFFIX}",
        "operator_type": "activity_work",
        "dependencies": [name],
        "trigger_rule": "all_success",
        "preconditions": [],
        "result_key": None,
    }
    return {name: start, work["task_id"]: work}


OPERATOR = Operator(begin=begin, tool=lambda task: str(task["function"]), expand=expand)
