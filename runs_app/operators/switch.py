"""`switch`: choose a step by a value's text; without a match the default, without a default nothing."""

from __future__ import annotations

from runs_app.operators.base import Operator, Step, Task
from runs_app.outcomes import Outcome, Succeeded


def begin(task: Task, step: Step) -> Outcome:
    value = step.resolve(task["switch_on"])
    chosen = task["cases"].get(_text(value), task["default"])
    return Succeeded(output=value, chosen=(chosen,) if chosen else ())


def targets(task: Task) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for target in (*task["cases"].values(), task["default"]) if target))


def _text(value: object) -> str:
    """As the definition's JSON would write it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


OPERATOR = Operator(begin=begin, targets=targets)
