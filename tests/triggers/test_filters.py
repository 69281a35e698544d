from __future__ import annotations

from typing import Any

import pytest

from highway_automation.base.safe_json import JSON
from triggers_app.conditions import Envelope
from triggers_app.filters import CURES, FilterError, explain, matches, parse
from triggers_app.globs import compile_glob


def event(payload: JSON, **envelope: str) -> Envelope:
    return Envelope(
        envelope.get("type", "order_placed"), envelope.get("source", "shop"), envelope.get("subject", ""), payload
    )


def fits(pattern: JSON, payload: JSON, **envelope: str) -> bool:
    return matches(parse(pattern), event(payload, **envelope))


@pytest.mark.parametrize(
    ("pattern", "payload", "expected"),
    [
        ({"workflow_name": "critical_*"}, {"workflow_name": "critical_backup"}, True),
        ({"workflow_name": "critical_*"}, {"workflow_name": "uncritical_backup"}, False),
        ({"workflow_name": "critical_*"}, {}, False),
        ({"workflow_name": "critical_*"}, {"workflow_name": None}, False),
        ({"workflow_name": "*"}, {"workflow_name": 7}, False),
        ({"workflow_name": ["a*", "b"]}, {"workflow_name": "b"}, True),
        ({"workflow_name": ["a*", "b"]}, {"workflow_name": "abc"}, True),
        ({"workflow_name": ["a*", "b"]}, {"workflow_name": "bc"}, False),
        ({"n": 1}, {"n": 1.0}, True),
        ({"n": 1}, {"n": True}, False),
        ({"n": True}, {"n": 1}, False),
        ({"n": True}, {"n": True}, True),
        ({"n": 0}, {"n": False}, False),
        ({"n": 1}, {"n": "1"}, False),
        ({"n": None}, {"n": None}, True),
        ({"n": None}, {}, False),
        ({"n": None}, {"n": 0}, False),
        ({"n": [1, None]}, {"n": None}, True),
        ({"order.total": 5}, {"order": {"total": 5}}, True),
        ({"order.total": 5}, {"order.total": 5}, True),
        ({"order": {"total": 5}}, {"order": {"total": 5}}, True),
        ({"order": {"total": 5}}, {"order.total": 5}, True),
        ({"order": {"total": 5}}, {"order": "total"}, False),
        ({"order": {"total": 5, "paid": True}}, {"order": {"total": 5, "paid": False}}, False),
        ({"order.total": 5, "order": {"total": [5, 6]}}, {"order": {"total": 6}}, False),
        ({"detail": {"order": {"total": 5}}}, {"order": {"total": 5}}, True),
        ({"detail.order.total": 5}, {"order": {"total": 5}}, True),
        ({"detail.state": "up"}, {"detail": {"state": "up"}}, True),
        ({"detail.state": "up"}, {"detail": {"state": "down"}, "state": "up"}, False),
        ({"detail": "text"}, {"detail": "text"}, True),
        ({"n": 1}, {"detail": [], "n": 1}, True),
        ({"tags": "vip"}, {"tags": ["new", "vip"]}, True),
        ({"tags": "vip"}, {"tags": ["new", ["vip"]]}, True),
        ({"tags": "vip"}, {"tags": []}, False),
        ({"n": {"x": 1}}, {"n": {"x": {"x": 1}}}, False),
        ({"name": ""}, {"name": ""}, True),
        ({"path": "C:\\temp"}, {"path": "C:\\temp"}, True),
        ({"name": "a\\*"}, {"name": "a*"}, True),
        ({"name": "a\\*"}, {"name": "ab"}, False),
        ({"name": "a[bc]"}, {"name": "a[bc]"}, True),
        ({"name": "a[bc]"}, {"name": "ab"}, False),
        ({}, {"anything": 1}, True),
        (None, {}, True),
    ],
)
def test_a_filter_matches_what_it_says(pattern: JSON, payload: JSON, expected: bool) -> None:
    assert fits(pattern, payload) is expected


def test_a_nested_object_must_fit_one_element_of_a_list_as_a_whole() -> None:
    items = {"items": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}]}
    assert fits({"items": {"sku": "b", "count": 2}}, items)
    assert not fits({"items": {"sku": "a", "count": 2}}, items)
    assert not fits({"items.sku": "a", "items.count": 2}, items)


@pytest.mark.parametrize("pattern", [{"$event.source": "shop-*"}, {"$event": {"source": "shop-*"}}])
def test_the_envelope_is_addressed_apart_from_the_payload(pattern: JSON) -> None:
    assert fits(pattern, {"source": "x"}, source="shop-eu")
    assert not fits(pattern, {"source": "shop-eu"}, source="x")


def test_type_and_subject_are_reachable() -> None:
    assert fits({"$event.type": ["a", "order_*"], "$event.subject": "42"}, {}, subject="42")
    assert not fits({"$event.type": "a"}, {})


@pytest.mark.parametrize(
    ("pattern", "path", "says"),
    [
        ("critical_*", "", "A filter is an object"),
        (["a"], "", "A filter is an object"),
        ({"a": []}, "a", "An empty list matches nothing"),
        ({"a": {}}, "a", "An empty object"),
        ({"a": {"b": {}}}, "a.b", "An empty object"),
        ({"a": [["b"]]}, "a[0]", "A list inside a list"),
        ({"a": [{"b": 1}]}, "a[0]", "must be an operator"),
        ({"a..b": 1}, "a..b", "A path is names"),
        ({"": 1}, "", "A path is names"),
        ({"$event.payload": 1}, "$event.payload", "$event.type, $event.source and $event.subject"),
        ({"$event": "x"}, "$event", "$event.type, $event.source and $event.subject"),
        ({"a": "*" + "x" * 1000}, "a", "use at most 1000"),
        ({"a": list(range(1001))}, "a", "use at most 1000"),
        ({f"k{n}": n for n in range(201)}, "", "use at most 200"),
        ({".".join("abcdefgh" * 5): 1}, ".".join("abcdefgh" * 5), "deeper than 32"),
        ({"$or": [{"a": 1}, {"b": 1}]}, "$or", "make one trigger for each alternative"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused_with_the_cure(pattern: JSON, path: str, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse(pattern)
    assert refused.value.path == path
    assert says in refused.value.message


@pytest.mark.parametrize("operator", sorted(set(CURES) - {"$or"}))
@pytest.mark.parametrize("listed", [True, False])
def test_an_operator_without_a_builder_is_refused_by_name(operator: str, listed: bool) -> None:
    leaf: Any = {operator: "x"}
    with pytest.raises(FilterError, match=f'The operator "{operator}" is not available; {CURES[operator][:5]}'):
        parse({"state": [leaf] if listed else leaf})


def test_a_field_named_like_an_operator_is_addressed_by_its_path() -> None:
    assert fits({"state.prefix": "x"}, {"state": {"prefix": "x"}})
    assert fits({"prefix": "x"}, {"prefix": "x"})


def test_an_explanation_shows_every_condition_with_the_value_seen() -> None:
    verdict = explain(parse({"a": ["x*", "y"], "b.c": 1, "gone": None}), event({"a": "z", "b": {"c": 1}}))
    assert not verdict.matched
    assert [(line.path, line.wanted, line.seen, line.present, line.ok) for line in verdict.conditions] == [
        ("a", ["x*", "y"], "z", True, False),
        ("b.c", 1, 1, True, True),
        ("gone", None, [], False, False),
    ]


def test_an_explanation_says_when_only_the_combination_fails() -> None:
    verdict = explain(parse({"i": {"a": 1, "b": 2}}), event({"i": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]}))
    assert [line.ok for line in verdict.conditions] == [True, True]
    assert not verdict.matched
    assert "no single element" in verdict.note


def test_an_explanation_agrees_with_the_match() -> None:
    payloads: list[JSON] = [{"tags": ["a", "vip"]}, {"tags": []}, {}, {"tags": {"vip": 1}}]
    for payload in payloads:
        verdict = explain(parse({"tags": "vip"}), event(payload))
        assert verdict.matched is verdict.conditions[0].ok is fits({"tags": "vip"}, payload)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a?c", "abc", True),
        ("a?c", "a\nc", True),
        ("a?c", "aéc", True),
        ("a?c", "ac", False),
        ("a\\?*", "a?x", True),
        ("*a*b*c", "xxaxbxc", True),
        ("aa*aa", "aaa", False),
        ("a**b", "ab", True),
        ("*", "", True),
        ("?*", "", False),
        ("(x+)*", "(x+)y", True),
        ("a?", "a\ud800", False),
    ],
)
def test_globs(pattern: str, text: str, expected: bool) -> None:
    assert compile_glob(pattern).matches(text) is expected


@pytest.mark.parametrize("pattern", ["*a" * 499, "?*a" * 300])
def test_a_hostile_glob_ends(pattern: str) -> None:
    """A backtracking matcher would need longer than the test run's time limit by orders of magnitude."""
    assert not compile_glob(pattern).matches("a" * 400_000 + "b")
