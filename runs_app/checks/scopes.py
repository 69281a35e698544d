"""Walking a canonical definition: its scopes, their steps, and the paths that their authors know."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from highway_automation.base.safe_json import JSON
from runs_app.dialect import Problem, shortened

HANDLERS = ("on_success_task_id", "on_failure_task_id")
MOST_COMPARED = 500


@dataclass(frozen=True)
class Scope:
    """Steps that know each other by id. `inner` holds the ids of all steps inside them, each with its operator here."""

    path: str
    tasks: dict[str, JSON]
    in_loop: bool = False
    inner: dict[str, str] = field(default_factory=dict)

    def at(self, task_id: str, *keys: str | int) -> str:
        return ".".join([self.path, task_id, *(str(key) for key in keys)])


@dataclass
class Report:
    """What the checks found: errors refuse the definition, warnings are told."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    hints_left: int = 20

    def error(self, path: str, message: str) -> None:
        self.errors.append(Problem(path, message))

    def warn(self, path: str, message: str) -> None:
        self.warnings.append(Problem(path, message))

    def meant(self, name: str, known: Collection[str]) -> str:
        """A hint at the known name that is spelled nearly so. Comparing is dear, so there are only so many."""
        if not self.hints_left or len(known) > MOST_COMPARED:
            return ""
        self.hints_left -= 1
        close = difflib.get_close_matches(name, known, n=1)
        return f" Did you mean {close[0]!r}?" if close else ""

    def shortened(self) -> Report:
        """The same with at most a hundred of each, and a last one that counts the rest."""
        return Report(shortened(self.errors), shortened(self.warnings))


def scopes(tasks: dict[str, JSON], path: str = "tasks", in_loop: bool = False) -> Iterator[Scope]:
    """The scope of these steps, then those inside it."""
    inner: list[Scope] = []
    inside: dict[str, str] = {}
    for task_id, task in tasks.items():
        for below, is_loop, where in _nested(task):
            found = list(scopes(below, f"{path}.{task_id}.{where}", in_loop or is_loop))
            inside |= {name: task_id for scope in found for name in scope.tasks}
            inner += found
    yield Scope(path, tasks, in_loop, inside)
    yield from inner


def _nested(task: JSON) -> Iterator[tuple[dict[str, JSON], bool, str]]:
    if "body" in task:
        yield task["body"]["tasks"], True, "loop_body"
    for name, branch in task.get("branches", {}).items():
        yield branch["tasks"], False, f"branch_workflows.{name}.tasks"


def routes(task: JSON) -> Iterator[tuple[str, str]]:
    """(key, step) for each step that only runs when this one chooses or calls it."""
    for key in (*HANDLERS, "if_true", "if_false", "default"):
        if isinstance(task.get(key), str):
            yield key, task[key]
    for case, name in task.get("cases", {}).items():
        yield f"cases.{case}", name
