"""The texts of a step in which references stand, and what may be written there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from highway_automation.base.safe_json import JSON
from runs_app import expressions
from runs_app.expressions import Issue

from .scopes import Report, Scope

Bindings = Mapping[str, Mapping[str, str]]
Positional = Mapping[str, Sequence[str]]
CHECKERS: dict[str, Callable[[str], list[Issue]]] = {
    "shell": expressions.check_shell,
    "code": expressions.check_code,
    "url": expressions.check_url,
    "condition": expressions.check_condition,
    "argument": expressions.check_text,
    "text": lambda text: expressions.check_text(text, secrets=False),
}
BOUND = frozenset({"shell", "code", "url", "text"})
PLAIN_FIELDS = ("idempotency_key", "items", "event_name", "payload", "switch_on", "result", "reason", "children")
TOOL_FIELDS = ("generator_kwargs", "verifier_kwargs")
GUARDS = ("preconditions", "postconditions")


@dataclass(frozen=True)
class TextChecks:
    """Checks the texts of every step. `bindings`: how a tool's arguments are bound; `positional`: their order."""

    report: Report
    steps: frozenset[str]
    bindings: Bindings = field(default_factory=dict)
    positional: Positional = field(default_factory=dict)

    def check_step(self, scope: Scope, task_id: str, task: JSON) -> None:
        for path, kind, value in self._texts(task):
            self.check(scope.at(task_id, *path), kind, value)

    def check(self, path: str, kind: str, value: JSON) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self.check(f"{path}.{key}", _inside(kind), item)
        elif isinstance(value, list):
            if kind == "shell":
                self._tell(path, expressions.check_argv(value))
            for index, item in enumerate(value):
                self.check(f"{path}.{index}", _inside(kind), item)
        elif isinstance(value, str):
            self._check_text(path, kind, value)

    def _check_text(self, path: str, kind: str, text: str) -> None:
        if kind != "words":
            self._tell(path, CHECKERS[kind](text))
        for reference in expressions.references(text):
            if reference.root == "steps" and len(reference.path) > 1:
                self._check_step_name(path, str(reference.path[1]), reference.has_default)

    def _tell(self, path: str, issues: list[Issue]) -> None:
        for issue in issues:
            tell = self.report.warn if issue.warning else self.report.error
            tell(path, f"{issue.message} {issue.cure}".strip())

    def _check_step_name(self, path: str, name: str, has_default: bool) -> None:
        if name not in self.steps:
            tell = self.report.warn if has_default else self.report.error
            tell(path, f"refers to the step {name!r}, which does not exist.{self.report.meant(name, self.steps)}")

    def _texts(self, task: JSON) -> Iterator[tuple[tuple[str | int, ...], str, JSON]]:
        """(path inside the step, kind, value) of everything that is resolved at run time."""
        yield from self._arguments(task)
        if "condition" in task:
            yield ("condition",), "condition", task["condition"]
        for name, branch in task.get("branches", {}).items():
            if branch["condition"] is not None:
                yield ("branches", name, "condition"), "condition", branch["condition"]
        for key in PLAIN_FIELDS:
            yield (key,), "text", task.get(key)
        for key in GUARDS:
            yield (key,), "text", [{"variable": g["variable"], "value": g["value"]} for g in task[key]]
        yield ("wait_for",), "text", (task.get("wait_for") or {}).get("text")

    def _arguments(self, task: JSON) -> Iterator[tuple[tuple[str | int, ...], str, JSON]]:
        tool = str(task.get("function", ""))
        kinds, names = self.bindings.get(tool, {}), self.positional.get(tool, ())
        for index, value in enumerate(task.get("args", ())):
            yield ("args", index), _kind(kinds, names[index] if index < len(names) else ""), value
        for name, value in task.get("kwargs", {}).items():
            yield ("kwargs", name), _kind(kinds, name), value
        for key in TOOL_FIELDS:
            yield (key,), "argument", task.get(key)


def _kind(kinds: Mapping[str, str], name: str) -> str:
    """How an argument is bound; what has no checker of its own (a header, a text) is checked as a plain argument."""
    kind = kinds.get(name, "argument")
    return kind if kind in BOUND else "argument"


def _inside(kind: str) -> str:
    """Items of a list or object are values of their own. The words of argv are checked together, before."""
    return kind if kind in ("text", "words") else "argument"
