from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from highway_automation.base import safe_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Not JSON"),
        ("", "Not JSON"),
        ("[" * 100_000, "nested"),
        ("[" * 70 + "]" * 70, "nested"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "NaN"),
        ('{"a": 1e999}', "NaN"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"\\u0000": 1}', "NUL"),
        ('{"a": "\\ud800"}', "surrogates"),
        (b"\xff", "UTF-8"),
        ("1" * 5000, "Not JSON"),
    ],
)
def test_unsafe_text_is_refused_with_a_reason(text: str | bytes, why: str) -> None:
    with pytest.raises(safe_json.UnsafeJSON, match=why):
        safe_json.parse(text)


def test_ordinary_json_is_read() -> None:
    assert safe_json.parse('{"a": [1, 2.5, "ü", null, true], "pair": "\\ud83d\\ude00"}') == {
        "a": [1, 2.5, "ü", None, True],
        "pair": "😀",
    }


@given(VALUES)
def test_whatever_a_tool_returns_can_be_stored(value: object) -> None:
    cleaned = safe_json.clean(value)
    assert safe_json.parse(safe_json.dumps(cleaned)) == safe_json.check(cleaned)


def test_cleaning_keeps_what_is_fine() -> None:
    value = {"a": [1, 2.5, "x"], "b": {"c": None}}
    assert safe_json.clean(value) == value
    assert safe_json.clean({"nan": math.nan, "text": "a\x00b"}) == {"nan": None, "text": "a\ufffdb"}
