from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.expressions import (
    BindError,
    ExpressionError,
    Issue,
    MissingName,
    Names,
    check_text,
    resolve,
    text_of,
    to_list,
    walk,
)

HTTP = {"status_code": 200, "ok": True, "response": {"has_logged_in": False, "rows": [1, 2]}, "body": "…"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("stdout",), {"stdout": "a b \n\n"}, "a b"),
        (("stdout", "k"), {"stdout": '{"k": [1]}\n'}, [1]),
        (("stdout", 0), {"stdout": "[5, 6]\n"}, 5),
        (("stdout", "length"), {"stdout": "[5, 6]\n"}, 2),
        (("name", "length"), {"name": "four"}, 4),
        (("length",), [1, 2, 3], 3),
        (("length",), {"a": 1}, 1),
        (("length",), {"length": "mine"}, "mine"),
        ((-1,), [1, 2, 3], 3),
        (("0",), [1, 2, 3], 1),
        ((0,), {"0": "zero"}, "zero"),
        (("has_logged_in",), HTTP, False),
        (("rows", 1), HTTP, 2),
        (("status_code",), HTTP, 200),
        (("response", "rows", "length"), HTTP, 2),
        ((0,), {"status_code": 200, "response": ["x"]}, "x"),
        ((), 5, 5),
        (("a",), {"a": None}, None),
    ],
)
def test_fields_are_walked(path: tuple[str | int, ...], value: Any, found: Any) -> None:
    assert walk(path, value) == found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("x",), {}), ((3,), [1]), ((-2,), [1]), (("x",), [1]), (("x",), None), (("x",), 5), (("x",), "text"),
        (("x",), "[broken"), (("0",), "text"), (("nope",), HTTP), (("x",), True), (("²",), [1, 2, 3]),
        (("99999999999",), [1]),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_missing(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(MissingName):
        walk(path, value)


def test_the_error_names_the_path_up_to_its_break() -> None:
    with pytest.raises(MissingName) as caught:
        walk(("a", 0, "b", "c"), {"a": [{}]}, start=("steps", "s"))
    assert caught.value.name == "steps.s.a[0].b"


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ([1, 2], [1, 2]),
        ("[1, 2]\n", [1, 2]),
        ("a.txt\nb.txt\r\n\n", ["a.txt", "b.txt"]),
        ("items_list", ["items_list"]),
        ("", []),
        ("\n", []),
        ({"stdout": '["x"]\n', "returncode": 0}, ["x"]),
        ({"stdout": "x\ny\n", "returncode": 0}, ["x", "y"]),
        ({"status_code": 200, "response": [1]}, [1]),
        ("[1, 2", ["[1, 2"]),
    ],
)
def test_items_become_a_list(value: Any, items: list[Any]) -> None:
    assert to_list(value) == items


@pytest.mark.parametrize("value", [None, 5, True, {"a": 1}, '{"a": 1}', {"status_code": 200, "response": {"a": 1}}])
def test_what_is_no_list_is_refused_without_showing_it(value: Any) -> None:
    with pytest.raises(ExpressionError, match="A list is needed here, not "):
        to_list(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\n", "as it is\n"), (None, ""), (True, "true"), (False, "false"), (5, "5"), (1.5, "1.5"),
        ([1, "ü"], '[1, "ü"]'), ({"a": None}, '{"a": null}'),
    ],
)  # fmt: skip
def test_values_inside_texts(value: Any, text: str) -> None:
    assert text_of(value) == text
    assert resolve("<${v}>", Names(inputs={"v": value})) == f"<{text}>"


def test_a_number_too_long_for_text_is_an_error() -> None:
    with pytest.raises(BindError):
        text_of(10**5000)


@given(json_values)
def test_a_sole_reference_keeps_its_value(value: Any) -> None:
    assert resolve({"a": ["${v}", "{{ v }}"]}, Names(inputs={"v": value})) == {"a": [value, value]}


@given(st.text())
def test_what_is_put_in_is_not_looked_at_again(text: str) -> None:
    names = Names(inputs={"v": text, "x": "expanded"})
    assert resolve("a${v}b{{v}}", names) == f"a{text}b{text}"
    assert resolve("${v}", Names(inputs={"v": "${x} {{x}}"})) == "${x} {{x}}"


def test_defaults_are_not_shared() -> None:
    resolve("${nope | default([])}", Names()).append(1)
    assert resolve("${nope | default([])}", Names()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${secrets.x}", "`secrets.x` may only be read in the arguments of a tool."),
        ("${env}", "`env` needs a name."),
        ("${steps.a.stdout}", "`steps.a.stdout`: a step has output, status and error."),
    ],
)
def test_what_can_be_known_at_save_is_said(text: str, message: str) -> None:
    [issue] = check_text(text, secrets=False)
    assert (issue.message, issue.warning) == (message, False)


def test_a_broken_filter_is_an_issue_and_raw_a_warning() -> None:
    assert "has a filter" in check_text("${x | nope}")[0].message
    [issue] = check_text("${x | raw}")
    assert isinstance(issue, Issue)
    assert issue.warning
    assert check_text("${a.b} {{c}} ${X:-y} ${secrets.x}") == []
