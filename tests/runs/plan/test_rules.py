from __future__ import annotations

import pytest

from tests.runs.plan.scopes import Scope, after, compiled, cond, join, news, step, switch

CHAIN: Scope = {"a": step(), "b": step("a"), "c": step("b")}


def test_a_chain_goes_step_by_step() -> None:
    assert compiled(CHAIN).roots() == ["a"]
    assert news(CHAIN, "a") == ({"b"}, set())
    assert news(CHAIN, "a", "b") == ({"c"}, set())
    assert after(CHAIN, "a", "b", "c").outcome == "completed"


def test_an_empty_scope_has_ended() -> None:
    assert after({}).ended
    assert after({}).outcome == "completed"


def test_every_task_without_dependencies_is_a_root() -> None:
    assert compiled({"b": step(), "a": step(), "c": step("a", "b")}).roots() == ["b", "a"]


@pytest.mark.parametrize(
    "scope",
    [
        {"c": cond(yes="t", no="f"), "t": step(), "f": step()},
        {"c": switch(cases={"x": "t"}, default="f"), "t": step(), "f": step()},
        {"c": step(ok="t", bad="f"), "t": step(), "f": step()},
    ],
)
def test_what_is_called_does_not_start_on_its_own(scope: Scope) -> None:
    assert compiled(scope).roots() == ["c"]


def test_an_unhandled_failure_skips_what_follows_and_fails_the_run() -> None:
    assert news(CHAIN, "!a") == (set(), {"b", "c"})
    state = after(CHAIN, "!a")
    assert (state.ended, state.outcome, state.unhandled) == (True, "failed", ["a"])


def test_other_branches_run_to_their_end_after_a_failure() -> None:
    scope = {"a": step(), "b": step("a"), "x": step(), "y": step("x")}
    assert news(scope, "!a", "x") == ({"y"}, set())
    assert not after(scope, "!a", "x").ended
    assert after(scope, "!a", "x", "y").outcome == "failed"


def test_telling_a_step_twice_does_nothing() -> None:
    assert news(CHAIN, "a", "a") == (set(), set())
    assert news(CHAIN, "a", "!a") == (set(), set())
    assert after(CHAIN, "a", "!a").unhandled == []


def test_an_unknown_step_is_an_error() -> None:
    with pytest.raises(KeyError):
        after(CHAIN, "nobody")


def test_ids_outside_the_scope_and_oneself_bind_nothing() -> None:
    assert compiled({"body": step("loop", "body")}).roots() == ["body"]


# rule, statuses of a and b in the order they end, what becomes of t: ready after the first, the second, or skipped
TRIGGERS = [
    ("all_success", "a", "b", "second"),
    ("all_success", "!a", "b", "skipped"),
    ("all_success", "a", "!b", "skipped"),
    ("all_success", "-a", "b", "skipped"),
    ("all_success", "-a", "-b", "skipped"),
    ("all_done", "a", "!b", "second"),
    ("all_done", "-a", "!b", "second"),
    ("all_done", "-a", "-b", "skipped"),
    ("one_success", "a", "!b", "first"),
    ("one_success", "!a", "b", "second"),
    ("one_success", "!a", "-b", "skipped"),
    ("one_success", "-a", "-b", "skipped"),
    ("one_done", "!a", "b", "first"),
    ("one_done", "-a", "!b", "second"),
    ("one_done", "-a", "-b", "skipped"),
    ("none_failed", "a", "-b", "second"),
    ("none_failed", "-a", "-b", "skipped"),
    ("none_failed", "!a", "b", "skipped"),
]


@pytest.mark.parametrize(("rule", "first", "second", "when"), TRIGGERS)
def test_trigger_rules(rule: str, first: str, second: str, when: str) -> None:
    scope = {"a": step(), "b": step(), "t": step("a", "b", rule=rule)}
    assert ("t" in news(scope, first)[0]) == (when == "first")
    assert ("t" in news(scope, first, second)[0]) == (when == "second")
    assert ("t" in after(scope, first, second).ready) == (when != "skipped")


JOINS = [
    ("all_of", "a", "!b", "second"),
    ("all_of", "-a", "b", "second"),
    ("all_of", "-a", "-b", "skipped"),
    ("any_of", "!a", "b", "first"),
    ("any_of", "-a", "b", "second"),
    ("any_of", "-a", "-b", "skipped"),
    ("all_success", "a", "b", "second"),
    ("all_success", "!a", "b", "first"),
    ("all_success", "-a", "!b", "second"),
    ("all_success", "-a", "b", "skipped"),
    ("one_success", "a", "b", "first"),
    ("one_success", "!a", "b", "second"),
    ("one_success", "!a", "!b", "second"),
    ("one_success", "-a", "-b", "skipped"),
]


@pytest.mark.parametrize(("mode", "first", "second", "when"), JOINS)
def test_a_join_waits_until_its_mode_is_decided(mode: str, first: str, second: str, when: str) -> None:
    scope = {"a": step(), "b": step(), "j": join("a", "b", mode=mode, after=("a", "b"))}
    assert compiled(scope).roots() == ["a", "b"]
    assert ("j" in news(scope, first)[0]) == (when == "first")
    assert ("j" in news(scope, first, second)[0]) == (when == "second")
    assert ("j" in after(scope, first, second).ready) == (when != "skipped")


def test_a_join_also_waits_for_dependencies_that_it_does_not_join() -> None:
    scope = {"a": step(), "z": step(), "j": join("a", after=("z",))}
    assert news(scope, "a") == (set(), set())
    assert news(scope, "a", "z") == ({"j"}, set())
    assert news(scope, "a", "!z") == (set(), {"j"})


def test_a_join_of_nothing_known_starts_at_once() -> None:
    assert compiled({"j": join("elsewhere")}).roots() == ["j"]
