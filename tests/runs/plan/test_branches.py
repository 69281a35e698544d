from __future__ import annotations

import pytest
from highway_dsl import WorkflowBuilder

from runs_app.plan import Plan
from tests.runs.plan.scopes import Scope, after, compiled, cond, join, news, step, switch, targets

PLAIN: Scope = {
    "c": cond(yes="t", no="f"),
    "t": step("c"),
    "t2": step("t", "c"),
    "f": step("c"),
    "after": step("c"),
}


def test_only_the_chosen_branch_runs() -> None:
    assert news(PLAIN, "c>t") == ({"t"}, {"f"})
    assert news(PLAIN, "c>f") == ({"f"}, {"t", "t2"})
    assert news(PLAIN, "!c") == (set(), {"t", "t2", "f", "after"})


def test_what_follows_a_condition_waits_for_the_end_of_the_chosen_branch() -> None:
    assert news(PLAIN, "c>t", "t") == ({"t2"}, set())
    assert news(PLAIN, "c>t", "t", "t2") == ({"after"}, set())
    assert news(PLAIN, "c>f", "f") == ({"after"}, set())
    assert after(PLAIN, "c>f", "f", "after").outcome == "completed"


def test_nothing_chosen_releases_what_follows_at_once() -> None:
    assert news(PLAIN, "c>") == ({"after"}, {"t", "t2", "f"})


def test_a_failed_branch_stops_what_follows() -> None:
    assert news(PLAIN, "c>t", "t", "!t2") == (set(), {"after"})
    assert news(PLAIN, "c>t", "!t") == (set(), {"t2", "after"})


def test_a_rule_that_accepts_failure_runs_after_a_failed_branch() -> None:
    scope = {**PLAIN, "after": step("c", rule="all_done")}
    assert news(scope, "c>t", "!t") == ({"after"}, {"t2"})


def test_branches_written_without_naming_the_condition() -> None:
    scope = {
        "c": cond(yes="t", no="f"),
        "t": step(),
        "t2": step("t"),
        "f": step(),
        "f2": step("f"),
        "after": step("c"),
        "merge": step("t2", "f2"),
    }
    assert compiled(scope).roots() == ["c"]
    assert news(scope, "c>t", "t") == ({"t2"}, set())
    assert news(scope, "c>t", "t", "t2") == ({"after", "merge"}, set())
    assert news(scope, "c>f", "f", "!f2") == (set(), {"after", "merge"})


@pytest.mark.parametrize("dependencies", [("t", "f"), ("t", "f", "c")])
def test_a_merge_of_alternatives_runs_after_whichever_was_chosen(dependencies: tuple[str, ...]) -> None:
    scope = {"c": cond(yes="t", no="f"), "t": step("c"), "f": step("c"), "merge": step(*dependencies)}
    assert news(scope, "c>t", "t") == ({"merge"}, set())
    assert news(scope, "c>f", "f") == ({"merge"}, set())
    assert news(scope, "c>f", "!f") == (set(), {"merge"})


def test_a_merge_of_a_branch_and_something_independent_is_skipped_with_the_branch() -> None:
    scope = {"c": cond(yes="t", no="f"), "t": step(), "f": step(), "z": step(), "m": step("t", "z")}
    assert news(scope, "z", "c>f") == ({"f"}, {"t", "m"})
    assert news(scope, "z", "c>t", "t") == ({"m"}, set())


def test_a_merge_when_neither_of_its_cases_was_chosen_is_skipped() -> None:
    scope = {"s": switch(cases={"x": "x", "y": "y", "z": "z"}), "x": step(), "y": step(), "z": step()}
    scope["m"] = step("x", "y")
    assert news(scope, "s>z") == ({"z"}, {"x", "y", "m"})
    assert news(scope, "s>y", "y") == ({"m"}, set())


def test_a_merge_of_nested_alternatives() -> None:
    scope = {
        "c": cond(yes="d", no="f"),
        "d": cond("c", yes="x", no="y"),
        "x": step("d"),
        "y": step("d"),
        "f": step("c"),
        "m": step("x", "y", "f"),
    }
    assert news(scope, "c>f", "f") == ({"m"}, set())
    assert news(scope, "c>d", "d>y", "y") == ({"m"}, set())
    assert news(scope, "c>d", "d>") == (set(), {"x", "y", "m"})


def test_a_join_of_alternatives() -> None:
    scope = {"c": cond(yes="t", no="f"), "t": step(), "f": step(), "j": join("t", "f", mode="all_success")}
    assert news(scope, "c>t", "t") == ({"j"}, set())
    scope = {"c": cond(yes="t", no="f"), "t": step(), "f": step(), "j": join("t", "f", mode="any_of")}
    assert news(scope, "c>t") == ({"t"}, {"f"})
    assert news(scope, "c>t", "t") == ({"j"}, set())


def test_a_member_whose_rule_accepts_skips_stays_out_of_a_branch_not_taken() -> None:
    scope = {"z": step(), "c": cond(yes="t", no="f"), "t": step("c"), "f": step("c")}
    scope["t2"] = step("t", "c", "z", rule="none_failed")
    assert news(scope, "z", "c>f") == ({"f"}, {"t", "t2"})
    assert news(scope, "z", "c>t", "t") == ({"t2"}, set())
    lenient = {**scope, "t2": step("t", "c", "z", rule="one_done")}
    assert news(lenient, "z") == (set(), set())
    assert news(lenient, "z", "c>f") == ({"f"}, {"t", "t2"})
    assert news(lenient, "z", "c>t", "!t") == ({"t2"}, set())


def test_a_target_with_its_own_dependencies_needs_both() -> None:
    scope = {"z": step(), "c": cond(yes="t"), "t": step("z")}
    assert news(scope, "c>t") == (set(), set())
    assert news(scope, "c>t", "z") == ({"t"}, set())
    assert news(scope, "c>t", "!z") == (set(), {"t"})
    assert news(scope, "c>") == (set(), {"t"})


def test_a_target_of_two_routers_runs_once_when_either_chooses_it() -> None:
    scope = {"a": cond(yes="t"), "b": cond(yes="t"), "t": step()}
    assert news(scope, "a>t") == ({"t"}, set())
    assert news(scope, "a>t", "b>t") == (set(), set())
    assert news(scope, "a>") == (set(), set())
    assert news(scope, "a>", "b>t") == ({"t"}, set())
    assert news(scope, "a>", "b>") == (set(), {"t"})


def test_a_target_that_depends_on_both_of_its_routers_though_one_never_ran() -> None:
    scope = {
        "qa": cond(yes="done", no="rework"),
        "rework": step("qa"),
        "qa2": cond("rework", yes="done", no="flag"),
        "done": step("qa", "qa2"),
        "flag": step("qa2"),
        "archive": step("done", "flag"),
    }
    assert news(scope, "qa>done") == ({"done"}, {"rework", "qa2", "flag"})
    assert news(scope, "qa>done", "done") == ({"archive"}, set())
    assert news(scope, "qa>rework", "rework", "qa2>done") == ({"done"}, {"flag"})
    assert news(scope, "qa>rework", "rework", "qa2>flag", "flag") == ({"archive"}, set())


def test_one_alarm_for_a_ladder_of_checks() -> None:
    scope = {
        "c1": cond(yes="ok1", no="alarm"),
        "ok1": step("c1"),
        "c2": cond("c1", yes="ok2", no="alarm"),
        "ok2": step("c2"),
        "alarm": step(),
        "page": step("alarm"),
    }
    assert news(scope, "c1>ok1") == ({"ok1"}, set())
    assert news(scope, "c1>ok1", "ok1") == ({"c2"}, set())
    assert news(scope, "c1>ok1", "ok1", "c2>alarm") == ({"alarm"}, {"ok2"})
    assert news(scope, "c1>alarm") == ({"alarm"}, {"ok1"})
    assert "c2" in news(scope, "c1>alarm", "alarm")[0]
    assert after(scope, "c1>alarm", "alarm", "page", "c2>ok2", "ok2").outcome == "completed"


def test_a_branch_step_that_depends_on_what_follows_its_condition_is_no_deadlock() -> None:
    scope = {"c": cond(yes="t", no="f"), "t": step("c"), "f": step("c"), "after": step("c")}
    scope["t2"] = step("t", "c", "after")
    assert news(scope, "c>t", "t") == ({"after"}, set())
    assert news(scope, "c>t", "t", "after") == ({"t2"}, set())


def test_a_jump_back_starts_nothing_again() -> None:
    scope = {"a": step(), "c": cond("a", yes="a", no="b"), "b": step("c")}
    plan = compiled(scope)
    assert (plan.roots(), plan.left_out) == (["a"], (("c", "a"),))
    assert news(scope, "a", "c>a") == (set(), {"b"})


def test_both_outcomes_may_lead_to_one_step() -> None:
    scope = {"c": cond(yes="t", no="t"), "t": step("c"), "after": step("c")}
    assert news(scope, "c>t") == ({"t"}, set())
    assert news(scope, "c>t", "t") == ({"after"}, set())


def test_a_handler_in_a_branch_belongs_to_it() -> None:
    scope = {"c": cond(yes="t"), "t": step("c", bad="h"), "h": step(), "after": step("c", rule="all_done")}
    assert news(scope, "c>t", "!t") == ({"h"}, set())
    assert news(scope, "c>t", "!t", "h") == ({"after"}, set())


def test_the_handler_of_a_condition() -> None:
    scope = {"c": cond(yes="t", bad="h"), "t": step("c"), "h": step("c"), "after": step("c")}
    assert news(scope, "!c") == ({"h"}, {"t", "after"})
    assert after(scope, "!c", "h").outcome == "completed"
    assert news(scope, "c>t") == ({"t"}, {"h"})


def test_nested_conditions_as_the_builder_writes_them() -> None:
    def inside(builder: WorkflowBuilder) -> WorkflowBuilder:
        builder.task("t1", "f")
        builder.condition("c2", "x", if_true=lambda b: b.task("x", "f"), if_false=lambda b: b.task("y", "f"))
        builder.task("t3", "f")
        return builder

    builder = WorkflowBuilder("nested")
    builder.condition("c", "z", if_true=inside, if_false=lambda b: b.task("f1", "f"))
    builder.task("last", "f")
    scope = builder.build().model_dump(mode="json")["tasks"]
    assert Plan.compile(scope, targets).roots() == ["c"]
    assert news(scope, "c>f1") == ({"f1"}, {"t1", "c2", "x", "y", "t3"})
    assert news(scope, "c>f1", "f1") == ({"last"}, set())
    assert news(scope, "c>t1", "t1", "c2>y") == ({"y"}, {"x"})
    assert news(scope, "c>t1", "t1", "c2>y", "y") == ({"t3"}, set())
    assert news(scope, "c>t1", "t1", "c2>y", "y", "t3") == ({"last"}, set())


def test_a_circle_of_dependencies_is_refused_with_its_members() -> None:
    with pytest.raises(ValueError, match="a → b → a|b → a → b"):
        compiled({"a": step("b"), "b": step("a")})


def test_conditions_too_deep_are_refused() -> None:
    scope: Scope = {"c0": cond(yes="c1")}
    for number in range(1, 300):
        scope[f"c{number}"] = cond(f"c{number - 1}", yes=f"c{number + 1}")
    with pytest.raises(ValueError, match="nested more than 200 deep"):
        compiled(scope)
