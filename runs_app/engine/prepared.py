"""What a definition is to the engine. Definitions never change, so a process prepares each one once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from highway_automation.base.safe_json import JSON
from runs_app.expressions import Reference, references
from runs_app.models import WorkflowDefinition
from runs_app.operators import expanded, targets
from runs_app.plan import Plan

Task = dict[str, Any]
STATUS_KEYS = {"returncode", "status_code", "ok"}


@dataclass(frozen=True, eq=False)
class Prepared:
    """`written` are the steps as their author wrote them; an operator may have made more of one."""

    definition_id: UUID
    body: dict[str, Any]
    plan: Plan
    written: frozenset[str]

    @property
    def tasks(self) -> dict[str, Task]:
        tasks: dict[str, Task] = self.body["tasks"]
        return tasks

    @cached_property
    def roots(self) -> list[str]:
        return self.plan.roots()

    @cached_property
    def is_chain(self) -> bool:
        """Whether at most one step can ever be under way, so that no other branch needs to be looked for."""
        followers: dict[str, int] = {}
        for task in self.tasks.values():
            if targets(task) or task["on_failure_task_id"] or task["on_success_task_id"]:
                return False
            for dependency in task["dependencies"]:
                followers[dependency] = followers.get(dependency, 0) + 1
        return len(self.roots) == 1 and all(count == 1 for count in followers.values())

    @cached_property
    def result_keys(self) -> dict[str, str]:
        """Task id → result key, where it has one."""
        return {path: task["result_key"] for path, task in self.tasks.items() if task["result_key"]}

    @cached_property
    def references(self) -> list[Reference]:
        return list(references(self.body))

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """Every secret that the definition can read: all of them are masked in all it stores."""
        return frozenset(str(ref.path[1]) for ref in self.references if ref.path[0] == "secrets" and len(ref.path) > 1)

    @cached_property
    def reads_environment(self) -> bool:
        return any(str(ref.path[0]).lower() == "env" for ref in self.references)

    @cached_property
    def keys_read(self) -> dict[str, frozenset[str]]:
        """Step → the keys of its result that some expression of the definition reads."""
        by_name = {key: path for path, key in self.result_keys.items()} | {path: path for path in self.tasks}
        keys: dict[str, set[str]] = {}
        for ref in self.references:
            name, below = ref.path[0], ref.path[1:]
            if name == "steps" and len(ref.path) > 1:
                name, below = ref.path[1], ref.path[3:] if ref.path[2:3] == ("output",) else ()
            if path := by_name.get(str(name)):
                keys.setdefault(path, set()).update(map(str, below))
        return {path: frozenset(read) for path, read in keys.items()}

    @cached_property
    def judged_steps(self) -> frozenset[str]:
        """Steps whose exit or HTTP status some expression reads: there a bad status is data, not a failure."""
        return frozenset(path for path, keys in self.keys_read.items() if STATUS_KEYS & keys)

    @cached_property
    def followed(self) -> frozenset[str]:
        """Steps that others come after, or that have a handler of their failure."""
        handled = (
            path for path, task in self.tasks.items() if task["on_failure_task_id"] or task["on_success_task_id"]
        )
        return frozenset({*handled, *(name for task in self.tasks.values() for name in task["dependencies"])})


@lru_cache(maxsize=1024)
def _prepared(definition_id: UUID) -> Prepared:
    definition = WorkflowDefinition.objects.all_tenants().only("body").get(pk=definition_id)
    return _compile(definition_id, definition.body)


def prepare(definition: WorkflowDefinition) -> Prepared:
    return prepare_by_id(definition.pk)


def prepare_by_id(definition_id: UUID) -> Prepared:
    return _prepared(definition_id)


def _compile(definition_id: UUID, body: JSON) -> Prepared:
    tasks = expanded(body["tasks"])
    plan = Plan.compile(tasks, targets)
    return Prepared(definition_id, {**body, "tasks": tasks}, plan, frozenset(body["tasks"]))
