"""`shared`: whether a commit needs the other branches' journal first."""

from __future__ import annotations

import pytest

from tests.runs.plan.scopes import Scope, after, cond, join, settled, step

TWO_CHAINS: Scope = {"a": step(), "b": step("a"), "x": step(), "y": step("x"), "last": step("b", "y")}


@pytest.mark.parametrize(
    ("scope", "journal", "ends", "shared"),
    [
        ({"a": step(), "b": step("a")}, [], "a", False),
        (TWO_CHAINS, [], "a", False),
        (TWO_CHAINS, ["a"], "b", True),
        (TWO_CHAINS, ["x", "y", "a"], "b", False),
        (TWO_CHAINS, [], "!a", True),
        ({"a": step(), "x": step(), "j": join("a", "x")}, [], "a", True),
        ({"a": step(bad="h"), "x": step(bad="h"), "h": step()}, [], "!a", True),
        ({"z": step(), "c": cond(yes="t"), "t": step("z")}, [], "c>t", True),
        ({"z": step(), "c": cond(yes="t"), "t": step("z")}, ["z"], "c>t", False),
        ({"z": step(), "c": cond(yes="t"), "t": step("c"), "after": step("c")}, ["c>t"], "t", False),
        ({"a": step(), "x": step(), "any": step("a", "x", rule="one_success")}, [], "a", True),
        ({"a": step(), "x": step(), "any": step("a", "x", rule="one_success")}, ["a"], "x", False),
    ],
)
def test_shared_for_a_known_outcome(scope: Scope, journal: list[str], ends: str, shared: bool) -> None:
    assert after(scope, *journal).shared(settled(ends)) is shared


def test_shared_for_any_outcome_considers_what_a_failure_would_skip() -> None:
    assert after(TWO_CHAINS).shared("a") is True
    assert after({"a": step(), "b": step("a"), "x": step()}).shared("a") is False


def test_asking_changes_nothing() -> None:
    state = after(TWO_CHAINS)
    state.shared(settled("!a"))
    assert state.ready == ["a", "x"]
    assert state.apply(settled("a")).ready == ["b"]
