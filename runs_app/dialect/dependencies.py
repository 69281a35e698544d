"""Dependencies across scopes.

One on the surrounding operator is what being inside means, and goes. One on another outer step becomes the surrounding
operator's. One on a step inside a loop becomes one on the loop; one on a step inside a branch waits for the branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from highway_automation.base.safe_json import JSON

WAIT_TOOL = "tools.workflow.wait_for_parallel_branches"
WAIT_SECONDS = 30 * 86_400
SOLE_REFERENCE = re.compile(
    r"""\s*(?:\{\{|\$\{)\s*(?:steps\.([\w-]+)\.output|steps\["([^"]+)"\]\.output|([\w-]+))\s*\}{1,2}\s*"""
)


@dataclass
class Scope:
    """Steps that know each other, the operator they are inside of, and the scope that one is in."""

    tasks: dict[str, JSON]
    path: str = "tasks"
    owner: JSON = None
    parent: Scope | None = None
    moved_out: set[str] = field(default_factory=set)

    def outer(self) -> Iterator[tuple[Scope, JSON]]:
        """Each surrounding scope with the operator in it that leads here, nearest first."""
        scope = self
        while scope.parent is not None:
            yield scope.parent, scope.owner
            scope = scope.parent


def nested(task: JSON) -> dict[str, dict[str, JSON]]:
    """The scopes directly inside a step, by their place in it."""
    inside = {"loop_body": task["body"]["tasks"]} if "body" in task else {}
    branches = task.get("branches", {}).items()
    return inside | {f"branch_workflows.{name}.tasks": branch["tasks"] for name, branch in branches}


def inside(task: JSON) -> Iterator[str]:
    """The ids of all steps inside a step, at any depth."""
    stack = list(nested(task).values())
    while stack:
        for task_id, step in stack.pop().items():
            yield task_id
            stack.extend(nested(step).values())


def rewrite_dependencies(scope: Scope) -> None:
    """Makes every dependency one within the scope, as far as that can be; the rest is for the checks to report."""
    homes = {name: step for step, task in scope.tasks.items() for name in inside(task) if name not in scope.tasks}
    waits = [task for task in scope.tasks.values() if task.get("function") == WAIT_TOOL]
    rewriter = _Rewriter(scope, homes, {name: task["task_id"] for task in waits if (name := _first_name(task))})
    for task in scope.tasks.values():
        kept = [local for name in task["dependencies"] for local in rewriter.local(name, task)]
        task["dependencies"] = list(dict.fromkeys(kept))
    rewriter.insert_waits()


@dataclass
class _Rewriter:
    scope: Scope
    homes: dict[str, str]
    waiters: dict[str, str]
    inserted: dict[str, JSON] = field(default_factory=dict)

    def local(self, name: str, task: JSON) -> list[str]:
        if name in self.scope.tasks:
            return [name]
        for outer, owner in self.scope.outer():
            if owner["task_id"] == name:
                return []
            if name in outer.tasks:
                owner["dependencies"].append(name)
                return []
        home = self.homes.get(name)
        if home is None or home == task["task_id"]:
            return [name]
        if "body" in self.scope.tasks[home]:
            return [home]
        waiter = self._waiter(self.scope.tasks[home])
        return [home if waiter == task["task_id"] else waiter]

    def _waiter(self, fork: JSON) -> str:
        """The step of this scope that waits for the fork's branches; a new one where there is none."""
        task_id = str(fork["task_id"])
        known = self.waiters.get(task_id) or self.waiters.get(fork["result_key"] or task_id)
        if known is None:
            known = f"{task_id}_branches"
            while known in self.scope.tasks:
                known += "_"
            self.waiters[task_id] = known
            self.inserted[task_id] = _wait_for(fork, known)
        return known

    def insert_waits(self) -> None:
        """Puts each new step right behind its fork."""
        if not self.inserted:
            return
        before = dict(self.scope.tasks)
        self.scope.tasks.clear()
        for task_id, task in before.items():
            self.scope.tasks[task_id] = task
            if task_id in self.inserted:
                self.scope.tasks[self.inserted[task_id]["task_id"]] = self.inserted[task_id]


def _wait_for(fork: JSON, task_id: str) -> JSON:
    name = fork["task_id"]
    path = f"steps.{name}.output" if re.fullmatch(r"\w+", name) else f'steps["{name}"].output'
    return {
        "task_id": task_id,
        "operator_type": "task",
        "dependencies": [name],
        "trigger_rule": "all_success",
        "retry": None,
        "timeout": None,
        "kill_on_timeout": True,
        "circuit_breaker": None,
        "idempotency_key": None,
        "metadata": {},
        "description": f"Waits for the branches of {name}, on which later steps depend.",
        "result_key": None,
        "on_success_task_id": None,
        "on_failure_task_id": None,
        "preconditions": [],
        "postconditions": [],
        "function": WAIT_TOOL,
        "args": ["{{" + path + "}}"],
        "kwargs": {"timeout_seconds": fork["timeout_branches"] or WAIT_SECONDS},
    }


def _first_name(task: JSON) -> str | None:
    """The name in a call's first argument: `fork_data` in `{{fork_data}}`, `fork` in `{{steps.fork.output}}`."""
    first = next(iter([*task["args"], *task["kwargs"].values()]), None)
    match = SOLE_REFERENCE.fullmatch(first) if isinstance(first, str) else None
    return next(filter(None, match.groups()), None) if match else None
