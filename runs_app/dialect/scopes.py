"""Steps inside steps: loop bodies and branches, wherever an author's tool has put them, end up in their operator.

A scope is a mapping of steps that know each other by id: the workflow itself, a loop's body, one branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from highway_automation.base.safe_json import JSON

from .operators import read_operator
from .policies import read_retry
from .problems import Findings

MAX_NESTING = 16
LOOPS = frozenset({"foreach", "while"})
FORKS = frozenset({"parallel", "multi_choice"})


@dataclass(frozen=True)
class Raw:
    """A step as it was written, and where."""

    value: Any
    path: str

    @property
    def operator(self) -> str:
        return str(self.get("operator_type"))

    def get(self, key: str) -> Any:
        return self.value.get(key) if isinstance(self.value, dict) else None


@dataclass(frozen=True)
class ScopeReader:
    """Reads one scope and those inside it."""

    found: Findings
    default_retry: JSON = None
    depth: int = 0

    def read(self, items: dict[str, Raw]) -> dict[str, JSON]:
        moved = _take_moved(items)
        inner = {step: loop for loop, raw in items.items() if raw.operator in LOOPS for step in _body_ids(raw.value)}
        tasks: dict[str, JSON] = {}
        for task_id, raw in items.items():
            if inner.get(task_id, task_id) != task_id:
                self._note_flat_copy(raw, inner[task_id])
                continue
            task = read_operator(task_id, raw.value, raw.path, self.default_retry, self.found)
            if task is not None:
                tasks[task_id] = task | self._nested(raw, moved.get(task_id, {}))
        return tasks

    def _note_flat_copy(self, raw: Raw, loop: str) -> None:
        if not raw.get("is_internal_loop_task"):
            self.found.note(raw.path, f"also stands in the body of {loop!r}; only the copy in the body runs.")

    def _nested(self, raw: Raw, moved: Mapping[str, dict[str, Raw]]) -> dict[str, JSON]:
        if raw.operator not in LOOPS | FORKS:
            return {}
        if self.depth >= MAX_NESTING:
            self.found.problem(raw.path, f"Steps may be nested in at most {MAX_NESTING} levels.")
            return {}
        below = replace(self, depth=self.depth + 1)
        return below._body(raw, moved) if raw.operator in LOOPS else below._branches(raw, moved)

    def _body(self, raw: Raw, moved: Mapping[str, dict[str, Raw]]) -> dict[str, JSON]:
        items = _body_items(raw, self.found)
        return {"body": {"tasks": self.read(items | moved.get("", {}))}}

    def _branches(self, raw: Raw, moved: Mapping[str, dict[str, Raw]]) -> dict[str, JSON]:
        branches: dict[str, JSON] = {}
        for name, branch in _branch_map(raw, self.found).items():
            read: dict[str, JSON] = {"tasks": self._branch(name, branch, raw, moved.get(name, {})), "condition": None}
            if raw.operator == "multi_choice":
                read["condition"] = self._branch_condition(name, branch, raw)
            branches[name] = read
        return {"branches": branches}

    def _branch(self, name: str, branch: Any, raw: Raw, moved: dict[str, Raw]) -> dict[str, JSON]:
        workflow, path = _branch_workflow(name, branch, raw)
        if workflow is None:
            self._report_lost(name, branch, raw, moved)
            return self.read(dict(moved))
        retry = workflow.get("default_retry_policy")
        if retry is not None:
            retry = read_retry(retry, f"{path}.default_retry_policy", self.found)
        steps = workflow.get("tasks") or {}
        if not isinstance(steps, dict):
            self.found.problem(f"{path}.tasks", "must be an object.")
            return {}
        items = {task_id: Raw(step, f"{path}.tasks.{task_id}") for task_id, step in steps.items()}
        return replace(self, default_retry=retry or self.default_retry).read(items)

    def _report_lost(self, name: str, branch: Any, raw: Raw, moved: dict[str, Raw]) -> None:
        for step in _listed(branch):
            if step not in moved:
                self.found.problem(f"{raw.path}.branches.{name}", f"names the step {step!r}, which is not there.")

    def _branch_condition(self, name: str, branch: Any, raw: Raw) -> str | None:
        condition = branch.get("condition") if isinstance(branch, dict) else None
        if not isinstance(condition, str) or not condition.strip():
            self.found.problem(f"{raw.path}.branches.{name}.condition", "is missing.")
            return None
        return condition


def _take_moved(items: dict[str, Raw]) -> dict[str, dict[str, dict[str, Raw]]]:
    """Steps that stand beside their fork or loop and are only named by it, taken out of `items`: by owner and branch.

    Outer owners go first: they name what the inner ones name too.
    """
    claims = {task_id: named for task_id, raw in items.items() if (named := _named(raw))}
    claimed = {step for named in claims.values() for steps in named.values() for step in steps}
    moved: dict[str, dict[str, dict[str, Raw]]] = {}
    for owner in sorted(claims, key=lambda task_id: task_id in claimed):
        if owner in items:
            moved[owner] = {
                name: {step: items.pop(step) for step in steps if step in items and step != owner}
                for name, steps in claims[owner].items()
            }
    return moved


def _named(raw: Raw) -> dict[str, list[str]]:
    """The ids a fork or loop names without holding the steps; a loop has one nameless branch."""
    if raw.operator in LOOPS:
        body = raw.get("loop_body")
        named = [step for step in body if isinstance(step, str)] if isinstance(body, list) else []
        return {"": named} if named else {}
    branches = raw.get("branches")
    if raw.operator not in FORKS or not isinstance(branches, dict):
        return {}
    return {
        name: _listed(branch) for name, branch in branches.items() if _branch_workflow(name, branch, raw)[0] is None
    }


def _listed(branch: Any) -> list[str]:
    steps = branch.get("tasks") if isinstance(branch, dict) else branch
    return [step for step in steps if isinstance(step, str)] if isinstance(steps, list) else []


def _branch_workflow(name: str, branch: Any, raw: Raw) -> tuple[dict[str, Any] | None, str]:
    workflows = raw.get("branch_workflows")
    if isinstance(workflows, dict) and isinstance(workflows.get(name), dict):
        return workflows[name], f"{raw.path}.branch_workflows.{name}"
    if isinstance(branch, dict) and isinstance(branch.get("tasks"), dict):
        return branch, f"{raw.path}.branches.{name}"
    return None, ""


def _branch_map(raw: Raw, found: Findings) -> dict[str, Any]:
    """Every branch by name; one that is only in `branch_workflows` counts too."""
    branches: dict[str, Any] = {}
    for key in ("branches", "branch_workflows"):
        part = raw.get(key)
        if part is not None and not isinstance(part, dict):
            found.problem(f"{raw.path}.{key}", "must be an object.")
            continue
        for name, branch in (part or {}).items():
            if not isinstance(branch, list | dict):
                found.problem(f"{raw.path}.{key}.{name}", "must be a list of step ids or an object.")
            branches.setdefault(name, branch)
    return branches


def _body_items(raw: Raw, found: Findings) -> dict[str, Raw]:
    items: dict[str, Raw] = {}
    for index, (task_id, step) in enumerate(_body_steps(raw.value)):
        path = f"{raw.path}.loop_body.{index if task_id is None else task_id}"
        if not isinstance(task_id, str):
            found.problem(path, "A step in a loop body needs a task_id.")
        elif task_id in items:
            found.problem(path, "is defined twice in this body.")
        else:
            items[task_id] = Raw(step, path)
    body = raw.get("loop_body")
    if body is not None and not isinstance(body, list):
        found.problem(f"{raw.path}.loop_body", "must be a list of steps.")
    return items


def _body_steps(loop: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Id and step of each step in the body; mere names of steps are left out."""
    body = loop.get("body")
    if isinstance(body, dict) and isinstance(body.get("tasks"), dict):
        yield from body["tasks"].items()
    listed = loop.get("loop_body")
    for step in listed if isinstance(listed, list) else ():
        if not isinstance(step, str):
            yield (step.get("task_id") if isinstance(step, dict) else None), step


def _body_ids(loop: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the steps in a loop's body and in the loops inside it."""
    stack = [loop]
    while stack:
        for task_id, step in _body_steps(stack.pop()):
            if isinstance(task_id, str):
                yield task_id
            if isinstance(step, dict) and str(step.get("operator_type")) in LOOPS:
                stack.append(step)
