from __future__ import annotations

import pytest

from tests.runs.plan.scopes import Scope, after, compiled, news, step

RISKY: Scope = {"a": step(bad="h"), "b": step("a"), "h": step(), "then": step("h")}


def test_a_handler_runs_only_after_a_failure() -> None:
    assert news(RISKY, "a") == ({"b"}, {"h", "then"})
    assert news(RISKY, "!a") == ({"h"}, {"b"})
    assert news(RISKY, "!a", "h") == ({"then"}, set())


@pytest.mark.parametrize(
    ("journal", "outcome", "unhandled"),
    [
        (["!a", "h", "then"], "completed", []),
        (["!a", "!h"], "failed", ["a", "h"]),
        (["!a", "h", "!then"], "failed", ["then"]),
        (["a", "b"], "completed", []),
    ],
)
def test_a_failure_is_handled_by_a_handler_that_succeeded(
    journal: list[str], outcome: str, unhandled: list[str]
) -> None:
    state = after(RISKY, *journal)
    assert (state.outcome, state.unhandled) == (outcome, unhandled)


def test_a_failure_is_not_yet_unhandled_while_its_handler_may_run() -> None:
    state = after(RISKY, "!a")
    assert (state.outcome, state.unhandled) == (None, [])


def test_the_handler_of_a_handler() -> None:
    scope = {"a": step(bad="h"), "h": step(bad="hh"), "hh": step()}
    assert news(scope, "!a", "!h") == ({"hh"}, set())
    assert after(scope, "!a", "!h", "hh").outcome == "completed"
    assert after(scope, "!a", "!h", "!hh").unhandled == ["a", "h", "hh"]
    assert news(scope, "a") == (set(), {"h", "hh"})


def test_a_handler_that_depends_on_what_it_handles_still_runs() -> None:
    scope = {"a": step(bad="h"), "h": step("a")}
    assert news(scope, "!a") == ({"h"}, set())
    assert news(scope, "a") == (set(), {"h"})


def test_a_handler_with_another_dependency_waits_for_it() -> None:
    scope = {"a": step(bad="h"), "z": step(), "h": step("z")}
    assert news(scope, "!a") == (set(), set())
    assert news(scope, "!a", "z") == ({"h"}, set())
    assert after(scope, "!a", "!z").unhandled == ["a", "z"]
    assert "h" not in after(scope, "a", "z").ready


def test_a_handler_that_could_not_run_handled_nothing() -> None:
    scope = {"a": step(bad="h"), "b": step("a"), "h": step("b")}
    assert news(scope, "!a") == (set(), {"b", "h"})
    assert after(scope, "!a").outcome == "failed"


def test_one_handler_for_several_steps_runs_once() -> None:
    scope = {"a": step(bad="h"), "b": step(bad="h"), "h": step()}
    assert compiled(scope).handles("h") == ("a", "b")
    assert news(scope, "a") == (set(), set())
    assert news(scope, "a", "b") == (set(), {"h"})
    assert news(scope, "!a") == ({"h"}, set())
    assert news(scope, "!a", "!b") == (set(), set())
    assert after(scope, "!a", "h", "!b").outcome == "completed"


def test_dependents_of_a_handled_failure_stay_skipped_unless_their_rule_accepts_it() -> None:
    scope = {"a": step(bad="h"), "h": step(), "strict": step("a"), "lenient": step("a", rule="all_done")}
    assert news(scope, "!a") == ({"h", "lenient"}, {"strict"})
    assert after(scope, "!a", "h", "lenient").outcome == "completed"


def test_a_handler_that_its_user_depends_on_starts_first_and_handles_nothing() -> None:
    scope = {"h": step(), "a": step("h", bad="h")}
    plan = compiled(scope)
    assert (plan.roots(), plan.left_out) == (["h"], (("a", "h"),))
    assert news(scope, "h") == ({"a"}, set())
    assert after(scope, "h", "!a").unhandled == ["a"]


def test_steps_that_call_each_other_start_with_the_first() -> None:
    scope = {"a": step(bad="h"), "h": step(ok="a")}
    assert compiled(scope).roots() == ["a"]
    assert after(scope, "!a", "h").outcome == "completed"


def test_on_success_targets() -> None:
    scope = {"a": step(ok="t"), "t": step(), "u": step("t")}
    assert news(scope, "a") == ({"t"}, set())
    assert news(scope, "!a") == (set(), {"t", "u"})


def test_an_on_success_target_keeps_its_dependencies() -> None:
    scope = {"a": step(ok="t"), "b": step(ok="t"), "t": step("a", "b")}
    assert news(scope, "a") == (set(), set())
    assert news(scope, "a", "b") == ({"t"}, set())
    assert news(scope, "a", "!b") == (set(), {"t"})


def test_success_and_failure_may_lead_to_the_same_step() -> None:
    scope = {"a": step(ok="t", bad="t"), "t": step()}
    assert news(scope, "a") == ({"t"}, set())
    assert news(scope, "!a") == ({"t"}, set())
    assert after(scope, "!a", "t").outcome == "completed"


def test_handlers_of_unknown_or_own_id_are_ignored() -> None:
    scope = {"a": step(bad="nobody"), "b": step(bad="b", ok="b")}
    assert compiled(scope).roots() == ["a", "b"]
    assert after(scope, "!a", "!b").unhandled == ["a", "b"]
