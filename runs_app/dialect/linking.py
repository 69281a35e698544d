"""Names across scopes: after this pass every dependency, handler and target of a step is a step of its own scope.

A handler or target that is defined outside the body or branch that names it moves to where it is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON

from .dependencies import Scope, nested, rewrite_dependencies
from .problems import Findings
from .repairs import repair, targets

MOST_COPIED = 2 * 1024 * 1024


def link(tasks: dict[str, JSON], found: Findings) -> None:
    """Rewrites the steps in place."""
    scopes = list(_scopes(Scope(tasks)))
    room = MOST_COPIED
    for scope in scopes:
        room -= _pull_in_targets(scope, room)
    if room < 0:
        found.problem("tasks", "Handlers that are named inside too many loops and branches; define them there.")
        return
    for scope in scopes:
        _drop_moved(scope)
    for scope in reversed(list(_scopes(scopes[0]))):  # inner first: hoisted dependencies may be hoisted again
        rewrite_dependencies(scope)
        repair(scope.tasks, scope.path, found)


def _scopes(root: Scope) -> Iterator[Scope]:
    yield root
    for task_id, task in list(root.tasks.items()):
        for place, tasks in nested(task).items():
            yield from _scopes(Scope(tasks, f"{root.path}.{task_id}.{place}", task, root))


def _pull_in_targets(scope: Scope, room: int) -> int:
    """Gives the size of what was copied; stops where that is more than there is room for."""
    waiting = [name for task in scope.tasks.values() for name in targets(task) if name not in scope.tasks]
    used = 0
    while waiting and used <= room:
        name = waiting.pop()
        home = _home(name, scope)
        if home is None or name in scope.tasks:
            continue
        home.moved_out.add(name)
        used += safe_json.size(home.tasks[name])
        copy = deepcopy(home.tasks[name])
        copy["dependencies"] = [step for step in copy["dependencies"] if step in scope.tasks]
        scope.tasks[name] = copy
        waiting.extend(name for name in targets(copy) if name not in scope.tasks)
    return used


def _home(name: str, scope: Scope) -> Scope | None:
    """The nearest surrounding scope that has the step, unless that step is what surrounds us."""
    homes = (outer for outer, owner in scope.outer() if name in outer.tasks and outer.tasks[name] is not owner)
    return next(homes, None)


def _drop_moved(scope: Scope) -> None:
    """What moved inside stays here only if a step that stays names it too."""
    needed = [name for step, task in scope.tasks.items() if step not in scope.moved_out for name in targets(task)]
    while needed:
        name = needed.pop()
        if name in scope.moved_out:
            scope.moved_out.remove(name)
            needed.extend(targets(scope.tasks[name]))
    for name in scope.moved_out:
        del scope.tasks[name]
