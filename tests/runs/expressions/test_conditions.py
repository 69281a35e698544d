from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.expressions import ConditionError, MissingName, Names, check_condition, evaluate

INPUTS: dict[str, Any] = {
    "five": 5, "text_five": "5\n", "ten": "10", "word": "failed", "yes": True, "no": False, "nothing": None,
    "list": [1, "two", {"a": 1}], "json": '[1, "two"]', "object": {"a": 1}, "empty": "", "quote": "it's \"so\"",
    "said_true": "true", "said_false": "False\n", "zero": "0", "half": 0.5, "date": "2025-03-01", "code": "' or 1 == 1",
}  # fmt: skip
STEPS = {"check": {"output": {"stdout": "200\n", "returncode": 0, "has_logged_in": False}, "status": "succeeded"}}
NAMES = Names(inputs=INPUTS, steps=STEPS)

TRUE = [
    "{{five}} == 5", "{{five}} == 5.0", "{{text_five}} == 5", "5 == {{text_five}}", "{{five}} != 6", "{{ten}} > 9",
    "{{ten}} > '9'", "{{ten}} >= {{five}}", "{{five}} < {{ten}}", "{{half}} <= .5", "{{five}} == '5'",
    "'{{five}}' == '5'", "${steps.check.output.has_logged_in} == false", "${steps.check.output.has_logged_in} == False",
    "not ${steps.check.output.has_logged_in}", "{{check.stdout}} == '200'", "{{check.stdout}} == 200",
    "{{word}} == 'failed'", '{{word}} == "failed"', "{{word}} == failed", "{{word}} != passed", "{{yes}}",
    "{{yes}} == TRUE",
    "{{nothing}} == null", "{{nothing}} == None", "{{word}} != null", "{{said_true}} == true",
    "{{said_false}} == false",
    "not {{said_false}}", "not {{zero}}", "not {{empty}}", "not {{nothing}}", "{{empty}} == ''", "{{list}}", "{{word}}",
    "{{five}} in [4, 5]", "{{five}} in (4, 5)", "{{five}} not in [1]", "'two' in {{list}}", "{{list}} contains 'two'",
    "{{list}} contains two", "'ail' in {{word}}", "{{word}} contains ail", "{{word}} not contains 'x'",
    "'a' in {{object}}",
    "{{object}} contains a", "1 in {{json}}", "{{json}} contains 'two'", "{{word}} in [ok, failed]",
    "{{text_five}} in [5]",
    "{{five}} + 1 == 6", "{{five}} - 1 == 2 * 2", "{{five}} * 2 == {{ten}}", "{{five}} / 2 == 2.5",
    "{{five}} // 2 == 2",
    "{{five}} % 2 == 1", "-{{five}} < 0", "- -{{five}} == +5", "2 + 3 * 2 == 8", "(2 + 3) * 2 == 10", "10 - 3 - 2 == 5",
    "{{yes}} and {{five}} > 1", "{{no}} or {{yes}}", "{{no}} and {{nope}} == 1 or {{yes}}",
    "not ({{no}} or {{nothing}})",
    "not not {{yes}}", "not {{no}} == true", "{{yes}} && !{{no}}", "{{no}} || {{yes}}",
    "{{yes}} AND NOT_A_KEYWORD != x",
    "1 < {{five}} < 10", "1 < 2 != 3", "{{date}} >= '2025-01-01'", "{{word}} == {{word}}", "{{list}} == {{list}}",
    "{{quote}} == 'it\\'s \"so\"'", "{{nope | default(3)}} == 3", "{{nope|default(true)}}", "{{word}}  ==\n'failed'",
    "{{object.a}} == 1", "{{list.length}} == 3", "{{list[0]}} == 1", "'{{word}}-{{five}}' == 'failed-5'",
    "{{code}} != ''", "us-east == 'us-east'", "a/b.c == 'a/b.c'", "true", "1", "'x'",
]  # fmt: skip
FALSE = [
    "{{five}} == 6", "{{five}} == '5 apples'", "{{ten}} < 9", "{{word}} == 'passed'", "{{word}} == FAILED", "{{no}}",
    "{{nothing}}", "{{empty}}", "{{zero}}", "{{said_false}}", "{{nothing}} == 0", "{{nothing}} == ''", "{{yes}} == 1",
    "{{five}} == true", "{{list}} == 'list'", "'007' == '7'", "{{code}} == 1", "'{{code}}' == ''",
    "{{five}} not in [5]",
    "10 < {{five}} < 20", "{{list}} contains 'a'", "5 in {{list}}", "{{object}} contains 1", "false", "0", "null", "''",
]  # fmt: skip
# Neither true nor false, so false in the end, also under `not`.
UNDECIDED = [
    "val > 10", "{{word}} > 10", "{{nothing}} < 5", "{{nothing}} >= {{nothing}}", "{{list}} > 1", "{{yes}} > 0",
    "{{object}} <= {{object}}", "'a' in {{nothing}}", "1 in {{word}}", "{{five}} contains 5", "{{list}} in {{object}}",
    "{{word}} > 10 and {{yes}}", "{{word}} > 10 or {{no}}", "1 < 2 < {{word}}",
]  # fmt: skip
UNREADABLE = [
    "", "  ", "{{five}} = 5", "{{five}} ==", "== 5", "{{five}} 5", "({{five}}", "{{five}})", "{{five}} === 5", "[1, 2",
    "{{five}} is 5", "f({{five}})", "{{five}}.real == 5", "lambda: 1", "a if b else c", "{{five}} ** 2", "x[0] == 1",
    "${X:-y} == 1", "{{.Names}}", "'open == 1", "{{x | nope}} == 1", "__import__('os')", "{{five}} == 5; 1", "a and",
    "not", "and {{yes}}", "{{yes}} and and {{yes}}", "in [1]", "{{five}} <> 5", "`id`", "@x", "{{date}} > 2025-01-01",
    "word", "not word", "{{yes}} and word", "word or {{yes}}", "(word)", "'a' + 1 == 2", "-'a' == 1", "[1] * 3 == 1",
    "1e9999 == 1", "01 == 1", "5five == 1", "$${x} == 1", "{{five}} == 'a' 'b'", "(" * 60 + "1" + ")" * 60,
    "not " * 60 + "true", "-" * 60 + "1 == 1", "[" * 60, "1 == 1 and " * 10_000 + "1 == 1",
]  # fmt: skip


@pytest.mark.parametrize("condition", TRUE)
def test_it_holds(condition: str) -> None:
    assert check_condition(condition) == [] or all(issue.warning for issue in check_condition(condition))
    assert evaluate(condition, NAMES) is True


@pytest.mark.parametrize("condition", FALSE)
def test_it_does_not_hold(condition: str) -> None:
    assert evaluate(condition, NAMES) is False


@pytest.mark.parametrize("condition", UNDECIDED)
def test_what_cannot_be_compared_is_never_true(condition: str) -> None:
    assert evaluate(condition, NAMES) is False
    assert evaluate(f"not ({condition})", NAMES) is False
    assert evaluate(f"({condition}) or true", NAMES) is True
    for other in ("null", "false", f"({condition})"):
        assert evaluate(f"({condition}) == {other}", NAMES) is False


@pytest.mark.parametrize("condition", UNREADABLE)
def test_what_cannot_be_read_is_refused_at_save_and_never_true(condition: str) -> None:
    assert [issue for issue in check_condition(condition) if not issue.warning]
    with pytest.raises(ConditionError):
        evaluate(condition, NAMES)


@pytest.mark.parametrize(
    "condition",
    ["{{five}} / 0 == 1", "{{five}} % 0 == 1", "{{word}} + 1 == 2", "{{nothing}} * 2 == 0", "{{yes}} + 1 == 2"]
    + ["{{five}} * 1e200 * 1e200 == 1", " * ".join(["9" * 290] * 3) + " > 1"],
)
def test_arithmetic_without_a_result_is_an_error(condition: str) -> None:
    assert check_condition(condition) == []
    with pytest.raises(ConditionError):
        evaluate(condition, NAMES)


@pytest.mark.parametrize("condition", ["{{nope}} == 1", "not {{nope}}", "{{no}} or {{nope}}", "'{{nope}}' == ''"])
def test_a_missing_name_is_an_error_naming_it(condition: str) -> None:
    with pytest.raises(MissingName, match="nope"):
        evaluate(condition, NAMES)


def test_only_what_is_needed_is_looked_up() -> None:
    assert evaluate("{{yes}} or {{nope}}", NAMES) is True
    assert evaluate("{{no}} and {{nope}}", NAMES) is False


def test_secrets_may_not_be_read() -> None:
    for condition in ("${secrets.token} == 'x'", "'${secrets.token}' == 'x'"):
        [issue] = check_condition(condition)
        assert not issue.warning
        assert "secrets.token" in issue.message


@pytest.mark.parametrize("condition", ["val > 10", "input.email == 'a'", "steps.a.output == 1", "i < 5"])
def test_a_word_that_looks_like_a_name_is_warned_about(condition: str) -> None:
    [issue] = check_condition(condition)
    assert issue.warning
    assert issue.cure.startswith("If a name is meant, write `${")


def test_the_message_says_where_and_how() -> None:
    assert check_condition("{{five}} = 5")[0].message.endswith("at `= 5`. Compare with `==`.")
    assert check_condition("is_valid")[0].message.endswith("always true. Write `${is_valid}`.")


@given(st.text(), st.text())
def test_a_value_is_never_part_of_the_condition(value: str, other: str) -> None:
    names = Names(inputs={"x": value, "y": other})
    assert evaluate("{{x}} == {{x}}", names) is True
    assert evaluate("'{{x}}' == {{x}}", names) is True
    if value.strip() and other.strip() and not (value + other).strip("+-.eE0123456789 ").isdigit():
        assert evaluate("{{x}} == {{y}}", names) is (value == other)


@given(st.integers(-(10**20), 10**20) | st.floats(-1e15, 1e15), st.integers(-(10**20), 10**20) | st.floats(-1e15, 1e15))
def test_numbers_compare_alike_as_numbers_and_as_text(left: float, right: float) -> None:
    for names in (Names(inputs={"x": left, "y": right}), Names(inputs={"x": left, "y": f" {right}\n"})):
        for sign, expected in (("==", left == right), ("<", left < right), (">=", left >= right)):
            assert evaluate(f"{{{{x}}}} {sign} {{{{y}}}}", names) is expected


PIECES = (
    "{{five}} {{word}} {{nope|default(1)}} 1 'a' word true null and or not in contains == != < >= + - * / % ( ) [ ] , "
    "$ { } ! && || \" ' \\ ."
)


@given(st.lists(st.sampled_from(PIECES.split(" ")), max_size=12))
def test_any_text_is_answered_or_refused(parts: list[str]) -> None:
    text = " ".join(parts)
    refused = [issue for issue in check_condition(text) if not issue.warning]
    try:
        answer = evaluate(text, NAMES)
    except ConditionError:
        return
    assert isinstance(answer, bool)
    assert not refused
