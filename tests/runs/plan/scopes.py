"""Short notation for scopes and their journals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs_app.plan import Plan, Settled, State

Scope = dict[str, dict[str, Any]]


def targets(task: Mapping[str, Any]) -> tuple[str, ...]:
    cases = tuple(task.get("cases", {}).values())
    return tuple(t for t in (task.get("if_true"), task.get("if_false"), *cases, task.get("default")) if t)


def step(
    *dependencies: str, rule: str = "all_success", ok: str | None = None, bad: str | None = None
) -> dict[str, Any]:
    return {
        "operator_type": "task",
        "dependencies": list(dependencies),
        "trigger_rule": rule,
        "on_success_task_id": ok,
        "on_failure_task_id": bad,
    }


def cond(*dependencies: str, yes: str | None, no: str | None = None, **rest: Any) -> dict[str, Any]:
    return {**step(*dependencies, **rest), "operator_type": "condition", "if_true": yes, "if_false": no}


def switch(*dependencies: str, cases: dict[str, str], default: str | None = None) -> dict[str, Any]:
    return {**step(*dependencies), "operator_type": "switch", "cases": cases, "default": default}


def join(*joined: str, mode: str = "all_of", after: tuple[str, ...] = ()) -> dict[str, Any]:
    return {**step(*after), "operator_type": "join", "join_tasks": list(joined), "join_mode": mode}


def compiled(scope: Scope) -> Plan:
    return Plan.compile(scope, targets)


def settled(entry: str) -> Settled:
    """`a` succeeded, `!a` failed, `-a` skipped, `c>x,y` succeeded and chose x and y, `c>` chose none."""
    if entry[0] in "!-":
        return Settled(entry[1:], "failed" if entry[0] == "!" else "skipped")
    path, _, chosen = entry.partition(">")
    return Settled(path, "succeeded", tuple(chosen.split(",")) if chosen else ())


def after(scope: Scope, *journal: str) -> State:
    return State.load(compiled(scope), [settled(entry) for entry in journal])


def news(scope: Scope, *journal: str) -> tuple[set[str], set[str]]:
    """What the last entry of the journal made ready, and what it skipped."""
    state = after(scope, *journal[:-1])
    newly = state.apply(settled(journal[-1]))
    return set(newly.ready), set(newly.skipped)
