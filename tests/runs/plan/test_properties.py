"""Whatever the graph and whatever order its steps end in, the run comes out the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs_app.plan import Plan, Settled, State
from runs_app.plan.rules import TRIGGER_RULES
from tests.runs.plan.scopes import Scope, compiled, settled, step, targets

RULES = [*["all_success"] * 4, *TRIGGER_RULES]
MODES = ["all_of", "any_of", "all_success", "one_success"]


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def random_scope(random: Random, size: int) -> Scope:
    """Dependencies go backwards, so there is no circle of them; calls go anywhere."""
    ids = [f"s{number}" for number in range(size)]
    scope: Scope = {}
    for number, name in enumerate(ids):
        earlier = ids[:number]
        some = random.sample(earlier, min(len(earlier), random.choice([0, 1, 1, 2, 3])))
        scope[name] = step(*some, rule=random.choice(RULES))
        kind = random.random()
        if kind < 0.25:
            scope[name]["if_true"], scope[name]["if_false"] = random.choice(ids), random.choice([None, *ids])
        elif kind < 0.35:
            scope[name]["cases"] = {str(case): random.choice(ids) for case in range(3)}
        elif kind < 0.45 and earlier:
            joined = random.sample(earlier, random.randint(1, min(3, len(earlier))))
            scope[name]["join_tasks"], scope[name]["join_mode"] = joined, random.choice(MODES)
        scope[name]["on_failure_task_id"] = random.choice([None, None, None, random.choice(ids)])
        scope[name]["on_success_task_id"] = random.choice([None, None, None, None, random.choice(ids)])
    return scope


def outcome_of(scope: Scope, random: Random) -> Callable[[str], Settled]:
    """A fixed fate for every step, should it run."""
    fates = {}
    for name, task in scope.items():
        options = targets(task)
        chosen = (random.choice(options),) if options and random.random() < 0.9 else ()
        fates[name] = Settled(name, "failed" if random.random() < 0.25 else "succeeded", chosen)
    return fates.__getitem__


def play(plan: Plan, fate: Callable[[str], Settled], random: Random) -> tuple[State, list[Settled]]:
    """Ends ready steps in random order until none is left; also checks that no id is answered twice."""
    state, journal = State(plan), []
    ready, answered = plan.roots(), list(plan.roots())
    while ready:
        name = ready.pop(random.randrange(len(ready)))
        journal.append(fate(name))
        newly = state.apply(journal[-1])
        ready += newly.ready
        answered += newly.ready + newly.skipped
        journal += [Settled(skipped, "skipped") for skipped in newly.skipped]
    assert sorted(answered) == sorted(plan.nodes), "every step is answered exactly once, and the run ends"
    return state, journal


def result(state: State, journal: list[Settled]) -> tuple[Any, ...]:
    return sorted(journal), state.ended, state.outcome, state.unhandled


CASES = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32)


@CASES
@given(seed=SEEDS, size=st.integers(1, 14))
def test_any_order_gives_the_same_result(seed: int, size: int) -> None:
    random = seeded(seed)
    scope = random_scope(random, size)
    plan, fate = compiled(scope), outcome_of(scope, random)
    first = result(*play(plan, fate, random))
    assert first[1] is True
    for _ in range(4):
        assert result(*play(plan, fate, random)) == first


@CASES
@given(seed=SEEDS, size=st.integers(1, 14))
def test_a_journal_gives_the_same_state_in_any_order_with_or_without_derived_skips(seed: int, size: int) -> None:
    random = seeded(seed)
    scope = random_scope(random, size)
    plan, fate = compiled(scope), outcome_of(scope, random)
    state, journal = play(plan, fate, random)
    part = journal[: random.randint(0, len(journal))]
    expected = State.load(plan, part)
    for skips in (True, False):
        other = [entry for entry in part if skips or entry.status != "skipped"]
        random.shuffle(other)
        loaded = State.load(plan, other)
        assert (loaded.ready, loaded.ended, loaded.outcome) == (expected.ready, expected.ended, expected.outcome)
    whole = State.load(plan, journal)
    assert (whole.ended, whole.outcome, whole.unhandled) == (state.ended, state.outcome, state.unhandled)


@CASES
@given(seed=SEEDS, size=st.integers(2, 14))
def test_what_is_not_shared_is_answered_alike_whatever_the_others_did(seed: int, size: int) -> None:
    random = seeded(seed)
    scope = random_scope(random, size)
    plan, fate = compiled(scope), outcome_of(scope, random)
    _, journal = play(plan, fate, random)
    seen = journal[: random.randint(0, len(journal))]
    state = State.load(plan, seen)
    if not state.ready:
        return
    mine = random.choice(state.ready)
    if state.shared(fate(mine)):
        return
    others, ready = State.load(plan, seen), [name for name in state.ready if name != mine]
    for _ in range(random.randint(0, size)):
        if ready:
            ready += others.apply(fate(ready.pop(random.randrange(len(ready))))).ready
    alone, later = state.apply(fate(mine)), others.apply(fate(mine))
    assert (set(alone.ready), set(alone.skipped)) == (set(later.ready), set(later.skipped))


@CASES
@given(seed=SEEDS, size=st.integers(2, 14))
def test_shared_by_path_covers_every_outcome(seed: int, size: int) -> None:
    random = seeded(seed)
    scope = random_scope(random, size)
    plan = compiled(scope)
    state = State(plan)
    for name in plan.roots():
        options = [Settled(name, "failed"), *(Settled(name, "succeeded", (t,)) for t in targets(scope[name]))]
        if any(state.shared(option) for option in [*options, Settled(name, "succeeded")]):
            assert state.shared(name)


def reference(scope: Scope, fate: Callable[[str], Settled]) -> dict[str, str]:
    """Plain scopes (dependencies, trigger rules, handlers without circles), decided by definition alone."""
    statuses: dict[str, str] = {}

    def verdict(name: str) -> str:
        task = scope[name]
        handled = [other for other, it in scope.items() if it["on_failure_task_id"] == name]
        if handled and not any(decide(other) == "failed" for other in handled):
            return "skipped"
        heard = [decide(other) for other in task["dependencies"] if other not in handled]
        runs = {
            "all_success": all(status == "succeeded" for status in heard),
            "all_done": True,
            "one_success": "succeeded" in heard,
            "one_done": "succeeded" in heard or "failed" in heard,
            "none_failed": "failed" not in heard,
        }[task["trigger_rule"]]
        only_skips = bool(heard) and set(heard) == {"skipped"}
        return fate(name).status if not heard or (runs and not only_skips) else "skipped"

    def decide(name: str) -> str:
        if name not in statuses:
            statuses[name] = verdict(name)
        return statuses[name]

    return {name: decide(name) for name in scope}


@CASES
@given(seed=SEEDS, size=st.integers(1, 14))
def test_plain_scopes_agree_with_the_definition_of_the_rules(seed: int, size: int) -> None:
    random = seeded(seed)
    scope = random_scope(random, size)
    ids = list(scope)
    for number, task in enumerate(scope.values()):
        for key in ("if_true", "if_false", "cases", "join_tasks", "on_success_task_id"):
            task.pop(key, None)
        task["on_failure_task_id"] = random.choice([None, *ids[number + 1 :]])
    fate = outcome_of(scope, random)
    _, journal = play(compiled(scope), fate, random)
    assert {entry.path: entry.status for entry in journal} == reference(scope, fate)


DIGEST = """
import sys
from tests.runs.plan.scopes import compiled
from tests.runs.plan.test_properties import outcome_of, play, random_scope, result, seeded
for seed in range(400):
    scope = random_scope(seeded(seed), 16)
    plan = compiled(scope)
    print(plan.roots(), plan.left_out, result(*play(plan, outcome_of(scope, seeded(seed)), seeded(seed))))
"""


def test_every_process_plans_alike() -> None:
    """Workers decide together, so nothing may hang on the order of a set, which each process has its own of."""
    root = Path(__file__).resolve().parents[3]
    printed = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1


def calls_of(action: Callable[[], Any]) -> int:
    """How many Python and C calls `action` makes."""
    count = 0

    def count_call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_the_cost_of_apply_follows_the_successors_and_not_the_size() -> None:
    def cost(length: int, successors: int) -> int:
        scope = {f"s{number}": step(*([f"s{number - 1}"] if number else [])) for number in range(length)}
        scope |= {f"t{number}": step("s0") for number in range(successors)}
        state = State(compiled(scope))
        return calls_of(lambda: state.shared(settled("s0"))) + calls_of(lambda: state.apply(settled("s0")))

    assert cost(4000, 3) == cost(10, 3)
    assert cost(10, 300) <= 110 * cost(10, 3)


def test_the_cost_of_a_wide_join_is_linear_in_its_inputs() -> None:
    def cost(width: int) -> int:
        scope = {f"s{number}": step() for number in range(width)}
        scope["last"] = step(*scope)
        plan = compiled(scope)
        return calls_of(lambda: State.load(plan, [settled(name) for name in plan.roots()]))

    assert cost(800) <= 11 * cost(80)
