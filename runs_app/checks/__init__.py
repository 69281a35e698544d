"""What is wrong with a definition, or doubtful in it, before it ever runs. Pure: no database, no clock, no Django."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from highway_automation.base.safe_json import JSON
from runs_app.dialect import Problem

from .advice import advise, advise_on_files
from .names import check_children, check_tools
from .scopes import Report, scopes
from .structure import check_start, check_structure
from .texts import Bindings, Positional, TextChecks

__all__ = ["Report", "check"]


def check(
    canonical: JSON,
    *,
    known_tools: Collection[str],
    known_workflows: Collection[str],
    bindings: Bindings = MappingProxyType({}),
    positional: Positional = MappingProxyType({}),
    unusable_tools: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Errors and warnings about a canonical definition, each with the path of its field.

    `known_tools` are those the tenant may use, `known_workflows` the names it has published; what is in neither is a
    warning, since either may change before the run. `bindings` says for each tool how an argument is bound (shell,
    code, url…), `positional` in which order its arguments may come without names, `unusable_tools` why some of those
    that are not known may not be used.
    """
    report = Report(warnings=[Problem(note["path"], note["message"]) for note in canonical["notes"]])
    workflows = {*known_workflows, canonical["name"]}
    everything = list(scopes(canonical["tasks"]))
    steps = frozenset(task_id for scope in everything for task_id in scope.tasks)
    texts = TextChecks(report, steps, bindings, positional)
    check_start(canonical, report)
    texts.check("variables", "text", canonical["variables"])
    for scope in everything:
        check_structure(scope, report)
        for task_id, task in scope.tasks.items():
            texts.check_step(scope, task_id, task)
            check_tools(scope, task_id, task, known_tools, unusable_tools, report)
            check_children(scope, task_id, task, workflows, report)
        advise(scope, report)
    advise_on_files(everything, report)
    return report.shortened()
