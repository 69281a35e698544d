"""Whether every step can start: unknown names, cycles, steps that nothing ever reaches."""

from __future__ import annotations

from collections.abc import Iterator

from highway_automation.base.safe_json import JSON
from runs_app.dialect import choices
from runs_app.plan import Plan, PlanError

from .scopes import Report, Scope, routes

MOST_SHOWN = 10


def check_structure(scope: Scope, report: Report) -> None:
    for task_id, task in scope.tasks.items():
        _check_dependencies(scope, task_id, task, report)
        _check_routes(scope, task_id, task, report)
        _check_joins(scope, task_id, task, report)
    _check_startable(scope, report)


def check_start(canonical: JSON, report: Report) -> None:
    start = canonical["start_task"]
    if start is not None and start not in canonical["tasks"]:
        report.error("start_task", f"names {start!r}, which is no step.{report.meant(start, canonical['tasks'])}")


def _check_dependencies(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    for name in task["dependencies"]:
        if name not in scope.tasks:
            message = f"names {name!r}, which is no step here.{report.meant(name, scope.tasks)}"
            report.error(scope.at(task_id, "dependencies"), message)


def _check_routes(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    for key, name in routes(task):
        if name not in scope.tasks:
            # Authors' tools check no names inside loop bodies, so definitions with loose ends exist and are used.
            tell = report.warn if scope.in_loop else report.error
            tell(scope.at(task_id, key), f"names {name!r}, which is no step here.{report.meant(name, scope.tasks)}")
        elif name == task_id:
            report.error(scope.at(task_id, key), "names the step itself.")


def _check_joins(scope: Scope, task_id: str, task: JSON, report: Report) -> None:
    for name in task.get("join_tasks", ()):
        if name not in scope.tasks and name not in scope.inner:
            message = f"names {name!r}, which is no step here.{report.meant(name, scope.tasks)}"
            report.error(scope.at(task_id, "join_tasks"), message)


def _check_startable(scope: Scope, report: Report) -> None:
    """Reports one cycle where steps wait for each other, and every further step that therefore never starts."""
    stuck = _stuck(scope.tasks)
    if not stuck:
        _check_plan(scope, report)
        return
    cycle = _cycle(scope.tasks, stuck)
    shown = cycle if len(cycle) <= MOST_SHOWN else [*cycle[:MOST_SHOWN], "…"]
    path = " → ".join([*shown, cycle[0]])
    report.error(scope.at(cycle[0], "dependencies"), f"The steps wait for each other: {path}.")
    for task_id in scope.tasks:
        if task_id in stuck and task_id not in cycle:
            report.error(scope.at(task_id, "dependencies"), "is unreachable: what it waits for can never run.")


def _check_plan(scope: Scope, report: Report) -> None:
    try:
        Plan.compile(scope.tasks, lambda task: tuple(choices(task)))
    except PlanError as error:
        report.error(scope.path, str(error))


def _stuck(tasks: dict[str, JSON]) -> set[str]:
    """The steps that can never start: each waits, directly or not, for itself."""
    needed = {task_id: list(_needs(task_id, task, tasks)) for task_id, task in tasks.items()}
    routers: dict[str, list[str]] = {}
    for task_id, task in tasks.items():
        for _, name in routes(task):
            if name in tasks:
                routers.setdefault(name, []).append(task_id)
    waiting_for: dict[str, list[str]] = {}
    for task_id, names in needed.items():
        for name in [*names, *routers.get(task_id, ())]:
            waiting_for.setdefault(name, []).append(task_id)
    started: set[str] = set()
    candidates = list(tasks)
    while candidates:
        task_id = candidates.pop()
        if task_id not in started and _can_start(task_id, needed, routers, started):
            started.add(task_id)
            candidates.extend(waiting_for.get(task_id, ()))
    return tasks.keys() - started


def _needs(task_id: str, task: JSON, tasks: dict[str, JSON]) -> Iterator[str]:
    for name in [*task["dependencies"], *task.get("join_tasks", ())]:
        if name in tasks:
            yield name


def _can_start(task_id: str, needed: dict[str, list[str]], routers: dict[str, list[str]], started: set[str]) -> bool:
    calls = routers.get(task_id, ())
    return started.issuperset(needed[task_id]) and not (calls and started.isdisjoint(calls))


def _cycle(tasks: dict[str, JSON], stuck: set[str]) -> list[str]:
    """Steps of which each waits for the next, and the last for the first. Every stuck step waits for a stuck one."""
    callers = {name: task_id for task_id in stuck for _, name in routes(tasks[task_id])}
    step = next(task_id for task_id in tasks if task_id in stuck)
    walked: list[str] = []
    while step not in walked:
        walked.append(step)
        awaited = [name for name in _needs(step, tasks[step], tasks) if name in stuck]
        step = awaited[0] if awaited else callers[step]
    return walked[walked.index(step) :]
