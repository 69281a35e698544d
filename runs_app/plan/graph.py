"""The compiled graph: nodes that listen to each other.

Besides the tasks it has two kinds of inner nodes. A BRANCH settles when all steps of a router's branch have settled; an
END settles when the router has and the branches it chose. Whoever depends on a router from outside its branches
listens to the END instead: "after the condition" means after what the condition chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from runs_app.plan.branches import Branch, Branches, Reached
from runs_app.plan.order import closing
from runs_app.plan.rules import JOIN_MODES, TRIGGER_RULES, Rule
from runs_app.plan.shape import Link, Shape, Targets, Task


class Kind(Enum):
    TASK = "task"
    BRANCH = "branch"
    END = "end"


@dataclass(eq=False, slots=True)
class Node:
    name: str
    kind: Kind
    trigger: Rule = TRIGGER_RULES["all_success"]
    mode: Rule = JOIN_MODES["all_of"]
    inputs: dict[Link, int] = field(default_factory=lambda: dict.fromkeys(Link, 0))
    out: list[tuple[Link, Node]] = field(default_factory=list)
    handler: Node | None = None
    branches: dict[str, Node] = field(default_factory=dict)  # of an END: target → its BRANCH
    router: Node | None = None  # of an END
    alternatives: dict[Link, list[tuple[Node, Reached]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many notifications it can hear in all."""
        return sum(self.inputs.values())

    @property
    def root(self) -> bool:
        return self.kind is Kind.TASK and not self.size

    def hear(self, link: Link, source: Node) -> None:
        self.inputs[link] += 1
        source.out.append((link, self))


def compile_nodes(tasks: Mapping[str, Task], targets: Targets) -> tuple[dict[str, Node], Shape]:
    """Raises PlanError when the tasks cannot be ordered."""
    shape = Shape(tasks, targets)
    return _Compiler(shape, Branches(shape)).nodes(), shape


class _Compiler:
    def __init__(self, shape: Shape, branches: Branches) -> None:
        self._shape = shape
        self._branches = branches
        self._tasks = {name: _task_node(name, task) for name, task in shape.tasks.items()}
        self._ends: dict[str, Node] = {}
        self._behind: dict[Branch, Node] = {}  # branch → its BRANCH node, where someone waits for its end

    def nodes(self) -> dict[str, Node]:
        waits = {name: list(self._waits(name)) for name in self._tasks}
        members = self._members(waits)
        for name, node in self._tasks.items():
            for link, source in waits[name]:
                node.hear(link, source)
            for call in self._shape.callers[name]:
                node.hear(call.link, self._tasks[call.source])
                if call.link is Link.FAILURE:
                    self._tasks[call.source].handler = node
            for kind in (Link.DEPENDENCY, Link.JOIN):
                node.alternatives[kind] = self._alternatives([source for link, source in waits[name] if link is kind])
        self._connect_ends(members)
        return self._tasks

    def _waits(self, name: str) -> Iterator[tuple[Link, Node]]:
        """What a step listens to, other than its callers."""
        for other in self._shape.dependencies[name]:
            if not self._shape.claims(other, name) and not self._branches.repeats(other, name):
                yield Link.DEPENDENCY, self._settled(other, name)
        for other in self._shape.joins[name]:
            yield Link.JOIN, self._settled(other, name)
        if self._tasks[name].trigger is not TRIGGER_RULES["all_success"] or self._shape.joins[name]:
            for entry in dict.fromkeys(self._branches.entries.get(name, ())):
                yield Link.ENTRY, self._tasks[entry]

    def _settled(self, other: str, name: str) -> Node:
        routes = other in self._shape.choices and not self._shape.claims(other, name)
        if not routes or self._branches.repeats(other, name):
            return self._tasks[other]
        if other not in self._ends:
            self._ends[other] = Node(other, Kind.END, router=self._tasks[other])
        return self._ends[other]

    def _members(self, waits: Mapping[str, list[tuple[Link, Node]]]) -> list[tuple[Node, Branch]]:
        """(step, branch whose end waits for it), less those that themselves wait for that end."""
        self._make_branch_nodes()
        pairs = list(self._candidates())
        needs: dict[tuple[Node, Branch], list[Node]] = {}
        for node, branch in pairs:
            shared = self._branches.of[node.name] is not branch and (branch.router, node.name) in self._branches.made
            # Where a step has several callers and this router chose it, it no longer waits for the other callers.
            needs[node, branch] = [source for _, source in waits[node.name]] if shared else [node]
        back = closing(
            [(source, self._behind[branch]) for (_, branch), sources in needs.items() for source in sources],
            self._before(waits),
        )
        return [(n, b) for n, b in pairs if not any((source, self._behind[b]) in back for source in needs[n, b])]

    def _make_branch_nodes(self) -> None:
        for branch in self._branches.made.values():
            waited = branch.router in self._ends or self._holder(branch.parent) in self._behind
            if waited:
                self._behind[branch] = Node(branch.target, Kind.BRANCH)

    def _candidates(self) -> Iterator[tuple[Node, Branch]]:
        for name, node in self._tasks.items():
            home = self._holder(self._branches.of[name])
            own = [self._branches.made[c.source, name] for c in self._shape.callers[name] if c.link is Link.CHOICE]
            for branch in dict.fromkeys([home, *own]):
                if branch is not None and branch in self._behind:
                    yield node, branch

    def _holder(self, branch: Branch | None) -> Branch | None:
        """The innermost branch with one router: a step that several routers lead to is counted outside of them."""
        while branch is not None and branch.via:
            branch = branch.parent
        return branch

    def _before(self, waits: Mapping[str, list[tuple[Link, Node]]]) -> dict[Node, set[Node]]:
        before = {self._tasks[name]: {source for _, source in sources} for name, sources in waits.items()}
        for call in self._shape.calls:
            before[self._tasks[call.target]].add(self._tasks[call.source])
        for router, end in self._ends.items():
            before[end] = {self._tasks[router]}
        for branch, node in self._behind.items():
            before.setdefault(node, set())
            for _, after in self._above(branch):
                before.setdefault(after, set()).add(node)
        return before

    def _above(self, branch: Branch) -> Iterator[tuple[Link, Node]]:
        """Who waits for a branch's end: its router's END and, if nothing else leads there, the enclosing branch."""
        if branch.router in self._ends:
            yield Link.MEMBER, self._ends[branch.router]
        outer = self._holder(branch.parent)
        if outer in self._behind and self._branches.of[branch.target] is branch:
            yield Link.MEMBER, self._behind[outer]

    def _connect_ends(self, members: list[tuple[Node, Branch]]) -> None:
        for node, branch in members:
            self._behind[branch].hear(Link.MEMBER, node)
        for router, end in self._ends.items():
            end.hear(Link.ROUTE, self._tasks[router])
        for branch in sorted(self._behind, key=lambda branch: -branch.depth):
            node = self._behind[branch]
            if not node.size:
                continue
            for link, after in self._above(branch):
                after.hear(link, node)
                if after.kind is Kind.END:
                    after.branches[branch.target] = node

    def _alternatives(self, inputs: list[Node]) -> list[tuple[Node, Reached]]:
        """The inputs with their ways, where some of them are alternatives (at most one of them will run)."""
        if len({self._branches.of[node.name] for node in inputs}) < 2:
            return []
        ways = [(node, self._branches.reached(self._branches.of[node.name])) for node in inputs]
        met: dict[str, set[frozenset[str]]] = {}
        for _, reached in ways:
            for router, chosen in reached.items():
                met.setdefault(router, set()).add(frozenset(chosen))
        forks = {router for router, sets in met.items() if len(sets) > 1}
        if not forks:
            return []
        return [(node, {router: reached[router] for router in forks & reached.keys()}) for node, reached in ways]


def _task_node(name: str, task: Task) -> Node:
    trigger = TRIGGER_RULES[task.get("trigger_rule") or "all_success"]
    return Node(name, Kind.TASK, trigger, JOIN_MODES[task.get("join_mode") or "all_of"])
