"""The plan of one scope and the state of one run of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from runs_app.plan.graph import Node, compile_nodes
from runs_app.plan.rules import FAILED, SUCCEEDED
from runs_app.plan.shape import Link, Targets, Task
from runs_app.plan.wave import Memory, Newly, Settled, Wave

Outcome = Literal["completed", "failed"]


class Plan:
    """The compiled tasks of one scope; immutable, to be shared between runs and threads."""

    def __init__(self, nodes: Mapping[str, Node], left_out: Iterable[tuple[str, str]]) -> None:
        self.nodes = nodes
        self.left_out = tuple(left_out)
        self._roots = [name for name, node in nodes.items() if node.root]
        self._handles: dict[str, list[str]] = {}
        for name, node in nodes.items():
            if node.handler is not None:
                self._handles.setdefault(node.handler.name, []).append(name)

    @classmethod
    def compile(cls, tasks: Mapping[str, Task], targets: Targets) -> Plan:
        """`tasks` in canonical form; `targets(task)`: the ids its router may choose.

        `left_out` then lists the (caller, target) pairs that can never take effect because the target has to end
        before its caller. Raises PlanError when tasks wait for each other in a circle.
        """
        nodes, shape = compile_nodes(tasks, targets)
        return cls(nodes, ((call.source, call.target) for call in shape.left_out))

    def roots(self) -> list[str]:
        """The steps that start on their own, in definition order."""
        return list(self._roots)

    def handles(self, path: str) -> tuple[str, ...]:
        """The steps whose failure starts `path`."""
        return tuple(self._handles.get(path, ()))


class State:
    """Which steps of one run have settled and which may start.

    Tell it every settled step in any order consistent with causality: the result is the same.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._memory = Memory({}, {}, {})
        self._open = len(plan.roots())
        self._done = 0
        self._failed: list[Node] = []

    @classmethod
    def load(cls, plan: Plan, journal: Iterable[Settled]) -> State:
        """The state after `journal`, in time linear in it. Derived skips may be in the journal or be missing."""
        state = cls(plan)
        for settled in journal:
            state.apply(settled)
        return state

    def apply(self, settled: Settled) -> Newly:
        """What `settled` makes ready and skips. Telling a step twice does nothing; KeyError for an unknown one."""
        node = self._plan.nodes[settled.path]
        if node in self._memory.settled:
            return Newly()
        if node.root or node in self._memory.ready:
            self._open -= 1
        wave = Wave(self._memory)
        wave.run(node, settled)
        self._open += len(wave.newly.ready)
        self._done += 1 + len(wave.newly.skipped)
        if settled.status == FAILED:
            self._failed.append(node)
        return wave.newly

    def shared(self, step: str | Settled) -> bool:
        """Whether what follows from `step` also hangs on steps that others may settle at the same time.

        Given a path alone, any outcome is considered; given the Settled, that one only. False promises that `apply`
        answers the same whatever the other open steps have done meanwhile.
        """
        known = isinstance(step, Settled)
        outcomes = [step] if isinstance(step, Settled) else [Settled(step, SUCCEEDED), Settled(step, FAILED)]
        node = self._plan.nodes[outcomes[0].path]
        if node in self._memory.settled or self._open == (node.root or node in self._memory.ready):
            return False
        if not known and any(link is Link.CHOICE for link, _ in node.out):
            return True
        return any(self._touches_open(node, outcome) for outcome in outcomes)

    def _touches_open(self, node: Node, outcome: Settled) -> bool:
        memory = self._memory.trial()
        wave = Wave(memory)
        wave.run(node, outcome)
        return any(memory.tallies[touched].heard < touched.size for touched in wave.touched)

    @property
    def ready(self) -> list[str]:
        """The steps that may run and have not settled, in definition order."""
        settled, ready = self._memory.settled, self._memory.ready
        return [name for name, node in self._plan.nodes.items() if (node.root or node in ready) and node not in settled]

    @property
    def ended(self) -> bool:
        return self._done == len(self._plan.nodes)

    @property
    def outcome(self) -> Outcome | None:
        """None until every step has settled."""
        if not self.ended:
            return None
        return "failed" if self.unhandled else "completed"

    @property
    def unhandled(self) -> list[str]:
        """The failed steps that nobody handled, in definition order; a handler still to come may yet handle one."""
        unhandled = {node.name for node in self._failed if self._handled(node) is False}
        return [name for name in self._plan.nodes if name in unhandled] if unhandled else []

    def _handled(self, node: Node) -> bool | None:
        """Handled by a handler that succeeded, or whose own failure was handled; None while that is open."""
        handler = node.handler
        while handler is not None:
            settled = self._memory.settled.get(handler)
            if settled is None:
                return None
            if settled.status != FAILED:
                return settled.status == SUCCEEDED
            handler = handler.handler
        return False
