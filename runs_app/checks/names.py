"""Tools and workflows that a definition calls by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from highway_automation.base.safe_json import JSON
from runs_app import expressions

from .scopes import Report, Scope

EXECUTE = "tools.workflow.execute"


def check_tools(
    scope: Scope, task_id: str, task: JSON, known: Collection[str], unusable: Mapping[str, str], report: Report
) -> None:
    for key in ("function", "generator", "verifier"):
        tool = task.get(key)
        if tool is not None and tool not in known:
            why = f": {unusable[tool]}." if tool in unusable else f".{report.meant(tool, known)}"
            message = f"{tool!r} is not a tool that may be used here; the step would fail{why}"
            report.warn(scope.at(task_id, key), message)


def check_children(scope: Scope, task_id: str, task: JSON, known: Collection[str], report: Report) -> None:
    for path, name in _children(task):
        if isinstance(name, str) and name not in known and not any(expressions.references(name)):
            message = f"There is no workflow {name!r} yet; the step would fail.{report.meant(name, known)}"
            report.warn(scope.at(task_id, *path), message)


def _children(task: JSON) -> Iterator[tuple[tuple[str, ...], JSON]]:
    for name, child in task.get("children", {}).items():
        yield ("children", name, "workflow_name"), child["workflow_name"]
    if task.get("function") == EXECUTE:
        yield ("kwargs", "workflow_name"), task["kwargs"].get("workflow_name")
