"""Which branch of which router a step belongs to.

Branches form a tree: the branch of a router's target hangs below the branch that the router itself is in. A step is
in a branch when it can only run if the branch does: it is the target, it is started by a step of the branch, or its
dependencies are there (a dependency on the router itself besides them says nothing more).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs_app.plan.order import in_order
from runs_app.plan.shape import Link, PlanError, Shape

MAX_DEPTH = 200

Reached = dict[str, set[str]]  # router → those of its targets through which a step can be reached


@dataclass(eq=False, slots=True)
class Branch:
    """The steps behind one choice; `via` instead of router and target where several choices lead to one step."""

    parent: Branch | None
    router: str = ""
    target: str = ""
    via: tuple[Branch, ...] = ()
    depth: int = 0

    def __post_init__(self) -> None:
        self.depth = self.parent.depth + 1 if self.parent else 1
        if self.depth > MAX_DEPTH:
            raise PlanError(
                f"Conditions are nested more than {MAX_DEPTH} deep, at {self.target or self.via[0].target}."
            )


class Branches:
    """`of[task]` is its innermost branch (None: always on the way); see the module's text."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.of: dict[str, Branch | None] = {}
        self.made: dict[tuple[str, str], Branch] = {}
        self.entries: dict[str, list[str]] = {}
        self._reached: dict[Branch, Reached] = {}
        for name in in_order({name: shape.before(name) for name in shape.tasks}):
            self.of[name] = self._started(name) if shape.callers[name] else self._following(name)

    def reached(self, branch: Branch | None) -> Reached:
        """Router → targets on the ways that lead into `branch`."""
        if branch is None:
            return {}
        if branch not in self._reached:
            self._reached[branch] = _ways(branch)
        return self._reached[branch]

    def repeats(self, router: str, name: str) -> bool:
        """Whether `name` is inside a branch of `router`, so that depending on the router says nothing more."""
        return router in self._shape.choices and router in self.reached(self.of[name])

    def _started(self, name: str) -> Branch | None:
        calls = self._shape.callers[name]
        chosen = tuple(self._make(call.source, name) for call in calls if call.link is Link.CHOICE)
        if len({call.source for call in calls}) == 1:
            return chosen[0] if chosen else self.of[calls[0].source]
        base = _common([self.of[call.source] for call in calls])
        return Branch(base, via=chosen) if chosen else base

    def _make(self, router: str, target: str) -> Branch:
        branch = Branch(self.of[router], router, target)
        self.made[router, target] = branch
        return branch

    def _following(self, name: str) -> Branch | None:
        waits = [*self._shape.dependencies[name], *self._shape.joins[name]]
        homes = list(dict.fromkeys(self.of[other] for other in waits))
        if len(homes) < 2:
            return homes[0] if homes else None
        forced = self._forced(name, homes)
        strict = self._shape.tasks[name].get("trigger_rule", "all_success") == "all_success"
        deepest = max(homes, key=_depth)
        if strict and not self._shape.joins[name] and all(_encloses(home, deepest) for home in homes):
            return deepest
        return max(forced, key=_depth) if forced else _common(homes)

    def _forced(self, name: str, homes: list[Branch | None]) -> list[Branch | None]:
        """The branches that `name` is in because it depends on the router as well as on one of its branches."""
        waits = [*self._shape.dependencies[name], *self._shape.joins[name]]
        inside: dict[str, list[Branch | None]] = {router: [] for router in waits if router in self._shape.choices}
        for home in homes if inside else ():
            for router in self.reached(home).keys() & inside.keys():
                inside[router].append(home)
        forced: list[Branch | None] = []
        for router, branches in inside.items():
            touched = set[str]().union(*(self.reached(branch)[router] for branch in branches))
            if len(touched) == 1:
                forced.extend(branches)
                self.entries.setdefault(name, []).extend(touched)
        return forced


def _ways(branch: Branch) -> Reached:
    ways: Reached = {}
    stack, seen = [branch], {branch}
    while stack:
        current = stack.pop()
        if current.router:
            ways.setdefault(current.router, set()).add(current.target)
        before = {other for other in (current.parent, *current.via) if other is not None} - seen
        seen |= before
        stack.extend(before)
    return ways


def _depth(branch: Branch | None) -> int:
    return branch.depth if branch else 0


def _encloses(outer: Branch | None, inner: Branch | None) -> bool:
    while _depth(inner) > _depth(outer):
        inner = inner.parent if inner else None
    return outer is inner


def _common(branches: Iterable[Branch | None]) -> Branch | None:
    """The innermost branch that encloses all of them."""
    rest = iter(branches)
    common = next(rest)
    for branch in rest:
        while common is not None and not _encloses(common, branch):
            common = common.parent
    return common
