"""`condition`: choose one of two steps. It fails closed: a condition that cannot be decided is a failed step."""

from __future__ import annotations

from runs_app.operators.base import Operator, Step, Task
from runs_app.outcomes import Outcome, Succeeded


def begin(task: Task, step: Step) -> Outcome:
    holds = step.holds(task["condition"])
    chosen = task["if_true"] if holds else task["if_false"]
    return Succeeded(output=holds, chosen=(chosen,) if chosen else ())


def targets(task: Task) -> tuple[str, ...]:
    return tuple(target for target in (task["if_true"], task["if_false"]) if target)


OPERATOR = Operator(begin=begin, targets=targets)
