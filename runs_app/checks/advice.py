"""The mistakes that authors make most often. None of them refuses a definition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from highway_automation.base.safe_json import JSON
from runs_app import expressions

from .scopes import HANDLERS, Report, Scope

WAITING_TOOLS = frozenset({"tools.workflow.wait_for_parallel_branches", "tools.workflow.wait_for_branch"})
FORKS = frozenset({"parallel", "multi_choice"})
SLEEP = re.compile(r"(?:^|[;&|\n])\s*sleep\s+[\d.{$]")
WRITTEN_FILE = re.compile(r">>?\s*(/[\w./-]+)")
MOST_FILES = 50
NO_FILES = frozenset({"/dev/null", "/dev/stderr", "/dev/stdout"})


def advise(scope: Scope, report: Report) -> None:
    awaited = _awaited(scope)
    for task_id, task in scope.tasks.items():
        _advise_on_loops(scope, task_id, task, report)
        _advise_on_waiting(scope, task_id, task, awaited, report)
        _advise_on_handlers(scope, task_id, task, report)
        _advise_on_tools(scope, task_id, task, report)


def advise_on_files(all_scopes: list[Scope], report: Report) -> None:
    """A file that one command writes and another one reads: they may run on different machines."""
    commands = [(scope.at(task_id), text) for scope in all_scopes for task_id, text in _commands(scope)]
    written: dict[str, str] = {}
    for path, text in commands:
        for name in WRITTEN_FILE.findall(text):
            if name not in NO_FILES and len(written) < MOST_FILES:
                written.setdefault(name, path)
    for path, text in commands:
        for name, writer in written.items():
            if name in text and path != writer:
                message = f"uses {name}, which {writer} writes; steps may run on different machines. "
                report.warn(path, f'{message}Give that step a result_key and read "{{{{its_key.stdout}}}}".')
                break


def _advise_on_loops(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    if "body" in task and not task["body"]["tasks"]:
        report.warn(scope.at(task_id, "loop_body"), "is empty; the loop does nothing.")


def _advise_on_waiting(scope: Scope, task_id: str, task: JSON, awaited: set[str], report: Report) -> None:
    if task["operator_type"] not in FORKS or not any(branch["tasks"] for branch in task["branches"].values()):
        return
    if awaited.isdisjoint({task_id, task["result_key"]}):
        cure = "Add a step with tools.workflow.wait_for_parallel_branches, or use parallel_with_join."
        report.warn(scope.at(task_id), f"No step waits for these branches, so what follows runs beside them. {cure}")


def _awaited(scope: Scope) -> set[str]:
    """The forks that some step waits for, by their id or result_key."""
    names: set[str] = set()
    for task in scope.tasks.values():
        names.update(scope.inner.get(name, "") for name in task.get("join_tasks", ()))
        if task.get("function") in WAITING_TOOLS:
            names.update(_roots(task))
    return names


def _roots(task: JSON) -> Iterator[str]:
    for reference in expressions.references([task["args"], task["kwargs"]]):
        yield str(reference.path[1]) if reference.root == "steps" and len(reference.path) > 1 else reference.root


def _advise_on_handlers(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    for key in HANDLERS:
        handler = scope.tasks.get(task[key] or "")
        if handler is not None and handler["dependencies"]:
            message = (
                f"The handler {task[key]!r} has dependencies of its own; without them it runs as soon as it is called."
            )
            report.warn(scope.at(task_id, key), message)


def _advise_on_tools(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    tool = task.get("function")
    if tool == "tools.llm.call":
        for name in {"provider", "model"} - task["kwargs"].keys() if not task["args"] else ():
            report.warn(scope.at(task_id, "kwargs", name), "is missing; the call cannot work without it.")
    if tool == "tools.shell.run" and any(SLEEP.search(text) for text in _command(task)):
        cure = "A wait step (or tools.time.sleep_for) waits without one and survives restarts."
        report.warn(scope.at(task_id), f"`sleep` in a command holds a worker while it waits. {cure}")


def _commands(scope: Scope) -> Iterator[tuple[str, str]]:
    for task_id, task in scope.tasks.items():
        if task.get("function") == "tools.shell.run":
            for text in _command(task):
                yield task_id, text


def _command(task: JSON) -> list[str]:
    return [text for text in (*task["args"][:1], task["kwargs"].get("command")) if isinstance(text, str)]
