"""Order and cycles of small directed graphs given as node → the nodes it waits for."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def in_order(waits: Mapping[N, Collection[N]]) -> list[N]:
    """The nodes with whatever a node waits for before it; ties keep the mapping's order.

    Raises graphlib.CycleError (its second argument lists the cycle).
    """
    sorter: TopologicalSorter[N] = TopologicalSorter()
    for node in waits:
        sorter.add(node)
    for node, before in waits.items():
        sorter.add(node, *before)
    return list(sorter.static_order())


def closing(edges: Iterable[tuple[N, N]], waits: Mapping[N, Collection[N]]) -> set[tuple[N, N]]:
    """Those (before, after) `edges` that must go so that the rest together with `waits` has no cycle.

    Only edges inside a cycle go, and of those only the ones against the order that `waits` alone gives.
    """
    candidates = list(edges)
    whole = {node: set(before) for node, before in waits.items()}
    for before, after in candidates:
        whole[after].add(before)
    try:
        in_order(whole)
    except CycleError:
        place = {node: number for number, node in enumerate(in_order(waits))}
        knot = _knots(whole)
        return {(a, b) for a, b in candidates if knot[a] == knot[b] and place[a] >= place[b]}
    return set()


def _knots(waits: Mapping[N, Collection[N]]) -> dict[N, N]:
    """Node → the representative of its strongly connected component (Kosaraju, without recursion)."""
    after: dict[N, list[N]] = {node: [] for node in waits}
    for node, before in waits.items():
        for other in before:
            after[other].append(node)
    knot: dict[N, N] = {}
    for root in reversed(_by_finish(after)):
        stack = [] if root in knot else [root]
        while stack:
            node = stack.pop()
            knot[node] = root
            stack.extend(other for other in waits[node] if other not in knot)
    return knot


def _by_finish(after: Mapping[N, Collection[N]]) -> list[N]:
    seen: set[N] = set()
    finished: list[N] = []
    for root in after:
        stack = [] if root in seen else [(root, iter(after[root]))]
        seen.add(root)
        while stack:
            node, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                finished.append(stack.pop()[0])
            else:
                seen.add(following)
                stack.append((following, iter(after[following])))
    return finished
