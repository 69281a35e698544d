"""What one settled step sets in motion."""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from runs_app.plan.branches import Reached
from runs_app.plan.graph import Kind, Node
from runs_app.plan.rules import FAILED, SKIPPED, SUCCEEDED, Counts, Excuse, Status, Verdict, judge
from runs_app.plan.shape import Link


class Settled(NamedTuple):
    """A step that ended; `chosen` are the targets that a router picked (none picked: all its targets are skipped)."""

    path: str
    status: Status
    chosen: tuple[str, ...] = ()


@dataclass(slots=True)
class Newly:
    """What one settled step brought about; each id appears once in the life of a run."""

    ready: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a node has heard so far."""

    dependencies: Counts
    joins: Counts
    heard: int = 0
    called: bool = False
    passed_over: int = 0
    entered: int = 0
    barred: bool = False
    failed: bool = False

    @classmethod
    def blank(cls, node: Node) -> Tally:
        return cls(Counts(node.inputs[Link.DEPENDENCY]), Counts(node.inputs[Link.JOIN]))

    def plus(self, link: Link, status: str, calls: bool) -> Tally:
        heard = self.heard + 1
        if link is Link.DEPENDENCY:
            return replace(self, heard=heard, dependencies=self.dependencies.plus(status))
        if link is Link.JOIN:
            return replace(self, heard=heard, joins=self.joins.plus(status))
        if link is Link.ENTRY:
            return replace(self, heard=heard, entered=self.entered + 1, barred=self.barred or status == SKIPPED)
        if link in (Link.MEMBER, Link.ROUTE):
            return replace(self, heard=heard, failed=self.failed or status == FAILED)
        if calls:
            return replace(self, heard=heard, called=True)
        return replace(self, heard=heard, passed_over=self.passed_over + 1)


class Memory(NamedTuple):
    settled: MutableMapping[Node, Settled]
    tallies: MutableMapping[Node, Tally]
    ready: MutableMapping[Node, None]

    def trial(self) -> Memory:
        """A copy that writes beside, so that trying costs no more than doing."""
        return Memory(ChainMap({}, self.settled), ChainMap({}, self.tallies), ChainMap({}, self.ready))


class Wave:
    """One settled step and everything that settles by itself because of it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.newly = Newly()
        self.touched: list[Node] = []  # nodes still undecided when they heard

    def run(self, node: Node, settled: Settled) -> None:
        waiting = deque([(node, settled)])
        self._memory.settled[node] = settled
        while waiting:
            source, event = waiting.popleft()
            for link, listener in source.out:
                follows = self._tell(link, listener, event)
                if follows is not None:
                    self._memory.settled[listener] = follows
                    waiting.append((listener, follows))

    def _tell(self, link: Link, node: Node, event: Settled) -> Settled | None:
        tallies = self._memory.tallies
        tally = tallies.get(node) or Tally.blank(node)
        tallies[node] = tally = tally.plus(link, event.status, _calls(link, node, event))
        if node in self._memory.settled or node in self._memory.ready:
            return None
        self.touched.append(node)
        return self._decide_task(node, tally) if node.kind is Kind.TASK else self._decide_inner(node, tally)

    def _decide_task(self, node: Node, tally: Tally) -> Settled | None:
        verdicts = (self._called(node, tally), _entered(node, tally), *self._ruled(node, tally))
        if Verdict.STOP in verdicts:
            self.newly.skipped.append(node.name)
            return Settled(node.name, SKIPPED)
        if Verdict.WAIT not in verdicts:
            self._memory.ready[node] = None
            self.newly.ready.append(node.name)
        return None

    def _called(self, node: Node, tally: Tally) -> Verdict:
        callers = node.inputs[Link.CHOICE] + node.inputs[Link.SUCCESS] + node.inputs[Link.FAILURE]
        if tally.called or not callers:
            return Verdict.GO
        return Verdict.STOP if tally.passed_over == callers else Verdict.WAIT

    def _ruled(self, node: Node, tally: Tally) -> tuple[Verdict, Verdict]:
        return (
            judge(node.trigger, tally.dependencies, self._excuse(node, Link.DEPENDENCY)),
            judge(node.mode, tally.joins, self._excuse(node, Link.JOIN)),
        )

    def _excuse(self, node: Node, link: Link) -> Excuse | None:
        inputs = node.alternatives.get(link)
        return (lambda: self._excused(inputs)) if inputs else None

    def _excused(self, inputs: list[tuple[Node, Reached]]) -> bool:
        """Whether every skipped input is on the other side of some router than an input that succeeded."""
        settled = self._memory.settled
        taken: dict[str, set[frozenset[str]]] = {}
        for source, ways in inputs:
            if source in settled and settled[source].status == SUCCEEDED:
                for router, chosen in ways.items():
                    taken.setdefault(router, set()).add(frozenset(chosen))
        return all(
            any(chosen.isdisjoint(other) for router, chosen in ways.items() for other in taken.get(router, ()))
            for source, ways in inputs
            if source in settled and settled[source].status == SKIPPED
        )

    def _decide_inner(self, node: Node, tally: Tally) -> Settled | None:
        if node.kind is Kind.BRANCH:
            if tally.heard < node.size:
                return None
            return Settled(node.name, FAILED if tally.failed else SUCCEEDED)
        return self._decide_end(node)

    def _decide_end(self, node: Node) -> Settled | None:
        settled = self._memory.settled
        router = settled.get(node.router) if node.router else None
        if router is None or router.status != SUCCEEDED:
            return router
        ends = [settled.get(node.branches[target]) for target in router.chosen if target in node.branches]
        if None in ends:
            return None
        return Settled(node.name, FAILED if any(end and end.status == FAILED for end in ends) else SUCCEEDED)


def _calls(link: Link, node: Node, event: Settled) -> bool:
    if link is Link.CHOICE:
        return event.status == SUCCEEDED and node.name in event.chosen
    return (link is Link.SUCCESS and event.status == SUCCEEDED) or (link is Link.FAILURE and event.status == FAILED)


def _entered(node: Node, tally: Tally) -> Verdict:
    if tally.barred:
        return Verdict.STOP
    return Verdict.GO if tally.entered == node.inputs[Link.ENTRY] else Verdict.WAIT
