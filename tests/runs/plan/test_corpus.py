"""Definitions that people and other programs wrote: each can be played to its end, in any order."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from runs_app import dialect
from tests.runs.plan.scopes import Scope, after, compiled, targets
from tests.runs.plan.test_properties import outcome_of, play, result

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


def scopes() -> list[tuple[str, Scope]]:
    found = []
    for path in sorted(CORPUS.glob("*.json")):
        raw = json.loads(path.read_text())
        if isinstance(raw, dict) and "tasks" in raw:
            try:
                found.append((path.stem, dialect.canonical(raw)["tasks"]))
            except dialect.DefinitionError:
                continue  # what the dialect refuses is its tests' affair
    return found


SCOPES = scopes()


def test_there_is_a_corpus() -> None:
    assert len(SCOPES) > 60


@pytest.mark.parametrize("scope", [scope for _, scope in SCOPES], ids=[name for name, _ in SCOPES])
def test_every_definition_ends_the_same_in_any_order(scope: Scope) -> None:
    plan = compiled(scope)
    assert plan.roots()
    for seed in range(5):
        random = Random(seed)  # noqa: S311
        fate = outcome_of(scope, random)
        first = result(*play(plan, fate, random))
        assert all(result(*play(plan, fate, random)) == first for _ in range(3))


def canonical(name: str) -> dict[str, Any]:
    tasks: dict[str, Any] = dialect.canonical(json.loads((CORPUS / name).read_text()))["tasks"]
    return tasks


def test_a_car_is_assembled_whichever_drivetrain_it_gets() -> None:
    """A step that depends on the last steps of both branches follows the one that was taken."""
    scope = canonical("hwdsl_test_all_workflow_examples__test_all_workflow_examples_0.json")
    merged = [name for name, task in scope.items() if len(set(task["dependencies"]) & routed(scope)) > 1]
    assert merged
    for chosen in range(2):
        state, ready = after(scope), compiled(scope).roots()
        done: set[str] = set()
        while ready:
            name = ready.pop()
            options = targets(scope[name])
            picked = options[min(chosen, len(options) - 1)] if options else ""
            ready += state.apply(entry(name, picked)).ready
            done.add(name)
        assert set(merged) <= done
        assert state.outcome == "completed"


def routed(scope: Scope) -> set[str]:
    return {target for task in scope.values() for target in targets(task)}


def entry(name: str, chosen: str) -> Any:
    from tests.runs.plan.scopes import settled

    return settled(f"{name}>{chosen}" if chosen else name)
