"""What a scope's tasks declare about each other, cleaned of what cannot bind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from graphlib import CycleError
from typing import Any

from runs_app.plan.order import closing, in_order

Task = Mapping[str, Any]
Targets = Callable[[Task], tuple[str, ...]]


class PlanError(ValueError):
    """The tasks cannot be ordered: they wait for each other in a circle, or branch too deeply."""


class Link(Enum):
    """Why a node listens to another."""

    DEPENDENCY = "dependency"  # counts for the trigger rule
    JOIN = "join"  # counts for the join mode
    ENTRY = "entry"  # the first step of the branch it is in: skipped, it is skipped too
    CHOICE = "choice"  # starts when this router chooses it
    SUCCESS = "success"  # starts when this step succeeded
    FAILURE = "failure"  # starts when this step failed
    MEMBER = "member"  # a branch ends when its members have
    ROUTE = "route"  # the router itself, for the end of what it chose


@dataclass(frozen=True, slots=True)
class Call:
    """`source` may start `target`, which does not start on its own."""

    source: str
    link: Link
    target: str


class Shape:
    """Dependencies, joins and calls among the known ids of one scope.

    Ids from outside the scope were settled before it began and bind nothing; a step does not wait for itself; a
    dependency that a join also joins is the join's. A call back to a step that has to end before its caller (a
    handler that its user depends on, a jump back) can start nothing, so it is left out.
    """

    def __init__(self, tasks: Mapping[str, Task], targets: Targets) -> None:
        self.tasks = tasks
        self.joins = {name: self._known(name, task.get("join_tasks")) for name, task in tasks.items()}
        self.dependencies = {
            name: [other for other in self._known(name, task.get("dependencies")) if other not in self.joins[name]]
            for name, task in tasks.items()
        }
        self.waits = {name: {*self.dependencies[name], *self.joins[name]} for name in tasks}
        self._refuse_cycles()
        calls = [call for name, task in tasks.items() for call in self._calls(name, task, targets(task))]
        back = closing([(call.source, call.target) for call in calls], self.waits)
        self.calls = [call for call in calls if (call.source, call.target) not in back]
        self.left_out = [call for call in calls if (call.source, call.target) in back]
        self.callers: dict[str, list[Call]] = {name: [] for name in tasks}
        self.choices: dict[str, list[str]] = {}
        for call in self.calls:
            self.callers[call.target].append(call)
            if call.link is Link.CHOICE:
                self.choices.setdefault(call.source, []).append(call.target)

    def before(self, name: str) -> set[str]:
        """Every step that `name` waits for, be it as dependency, join or caller."""
        return self.waits[name] | {call.source for call in self.callers[name]}

    def claims(self, source: str, target: str) -> bool:
        """Whether depending on `source` only repeats that it is the router or the failure that starts `target`."""
        links = (Link.CHOICE, Link.FAILURE)
        return any(call.source == source and call.link in links for call in self.callers[target])

    def _known(self, name: str, ids: Collection[str] | None) -> list[str]:
        return [other for other in dict.fromkeys(ids or ()) if other in self.tasks and other != name]

    def _refuse_cycles(self) -> None:
        try:
            in_order(self.waits)
        except CycleError as error:
            raise PlanError(f"These tasks wait for each other: {' → '.join(reversed(error.args[1]))}.") from error

    def _calls(self, name: str, task: Task, targets: Collection[str]) -> Iterable[Call]:
        for target in self._known(name, targets):
            yield Call(name, Link.CHOICE, target)
        for target in self._known(name, _one(task.get("on_success_task_id"))):
            yield Call(name, Link.SUCCESS, target)
        for target in self._known(name, _one(task.get("on_failure_task_id"))):
            yield Call(name, Link.FAILURE, target)


def _one(name: str | None) -> list[str]:
    return [name] if name else []
