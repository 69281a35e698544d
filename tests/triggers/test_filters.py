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
        ({"$or": [{"a": 1}]}, "$or", "two or more patterns"),
        ({"$or": {"a": 1}}, "$or", "two or more patterns"),
        ({"a": {"$or": [{"b": 1}, "c"]}}, "a.$or[1]", "Each alternative is a pattern"),
        ({"$or": [{"a": 1}, {"b": []}]}, "b", "An empty list"),
        ({"a": 1, "$or": [{"a": 1}, {"b": 1}]}, "$or", "`a` stands beside $or and in it"),
        ({f"k{n}": {"$or": [{"a": 1}, {"b": 1}]} for n in range(7)}, "k6", "more than 100 combinations"),
        ({"a": {"prefix": 1}}, "a", '"prefix" takes a text'),
        ({"a": [1, {"prefix": {"suffix": "x"}}]}, "a[1]", '"prefix" takes a text'),
        ({"a": {"prefix": "x", "suffix": "y"}}, "a", "An operator stands alone"),
        ({"a": {"exists": "yes"}}, "a", "true or false"),
        ({"a": {"numeric": [">"]}}, "a", "takes a list"),
        ({"a": {"numeric": ["!=", 1]}}, "a", "A comparison is one of"),
        ({"a": {"numeric": [">", "1"]}}, "a", "A comparison is one of"),
        ({"a": {"numeric": [">", True]}}, "a", "A comparison is one of"),
        ({"a": {"numeric": ["<", 5, ">", 1]}}, "a", "lower bound before an upper"),
        ({"a": {"numeric": [">", 5, "<", 1]}}, "a", "lower bound before an upper"),
        ({"a": {"cidr": "10.0.0.0/33"}}, "a", "is no network"),
        ({"a": {"anything-but": []}}, "a", "An empty list refuses nothing"),
        ({"a": {"anything-but": {"numeric": [">", 1]}}}, "a", "takes values, or one of"),
        ({"a": {"anything-but": [["x"]]}}, "a", "a flat list"),
        ({"a": {"wildcard": "*" + "x" * 1000}}, "a", "use at most 1000"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused_with_the_cure(pattern: JSON, path: str, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse(pattern)
    assert refused.value.path == path
    assert says in refused.value.message


@pytest.mark.parametrize("operator", sorted(CURES))
@pytest.mark.parametrize("listed", [True, False])
def test_an_operator_without_a_builder_is_refused_by_name(operator: str, listed: bool) -> None:
    leaf: Any = {operator: "x"}
    with pytest.raises(FilterError, match=f'The operator "{operator}" is not available; {CURES[operator][:5]}'):
        parse({"state": [leaf] if listed else leaf})


def test_a_field_named_like_an_operator_is_addressed_by_its_path() -> None:
    assert fits({"state.prefix": "x"}, {"state": {"prefix": "x"}})
    assert fits({"prefix": "x"}, {"prefix": "x"})


@pytest.mark.parametrize(
    ("wanted", "yes", "no"),
    [
        ({"prefix": "eu-"}, ["eu-1", "eu-"], ["EU-1", "us-1", 7, None, {"x": 1}]),
        ({"prefix": {"equals-ignore-case": "EU-"}}, ["eu-1", "Eu-"], ["us-1"]),
        ({"suffix": ".png"}, ["a.png"], ["a.PNG", "png"]),
        ({"suffix": {"equals-ignore-case": ".PNG"}}, ["a.png", "a.pNg"], ["a.gif"]),
        ({"equals-ignore-case": "Alice"}, ["alice", "ALICE"], ["alicia", 1, None]),
        ({"wildcard": "a*c"}, ["ac", "abc"], ["abd"]),
        ({"wildcard": "a?c*"}, ["a?c", "a?cd"], ["abc"]),
        ({"wildcard": "a\\*"}, ["a*"], ["ab"]),
        ({"wildcard": "C:\\\\x"}, ["C:\\x"], ["C:x"]),
        ({"exists": True}, ["", 0, None, False, {"x": 1}, ["a"]], [[]]),
        ({"exists": False}, [[]], ["", None, {"x": 1}, ["a"]]),
        ({"numeric": ["=", 5]}, [5, 5.0], [6, "5", True, None]),
        ({"numeric": [">", 0, "<=", 5]}, [0.1, 5], [0, 5.1, "3"]),
        ({"numeric": [">=", -1e3]}, [-1000, 10**30], [-1000.1]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "x", 167772160, "::ffff:10.0.0.1"]),
        ({"cidr": "10.0.0.7/24"}, ["10.0.0.1"], ["10.0.1.7"]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
        ({"anything-but": "a"}, ["b", 1, None], ["a", {"x": 1}, []]),
        ({"anything-but": ["a", 1]}, ["b", 2, True], ["a", 1, 1.0]),
        ({"anything-but": {"prefix": "eu-"}}, ["us-1", 3], ["eu-1"]),
        ({"anything-but": {"suffix": ["x", "y"]}}, ["z"], ["ax", "ay"]),
        ({"anything-but": {"wildcard": "*/lib/*"}}, ["a/b"], ["a/lib/b"]),
        ({"anything-but": {"equals-ignore-case": ["A", "b"]}}, ["c"], ["a", "B"]),
        ([{"numeric": [">", 5]}, "many", None], [6, "many", None], [5, "few"]),
    ],
)
def test_operators(wanted: JSON, yes: list[JSON], no: list[JSON]) -> None:
    pattern = parse({"n": wanted})
    assert [value for value in yes if not matches(pattern, event({"n": value}))] == []
    assert [value for value in no if matches(pattern, event({"n": value}))] == []
    absent = wanted == {"exists": False}
    assert matches(pattern, event({})) is matches(parse({"x": {"n": wanted}}), event({"x": 1})) is absent


def test_an_operator_holds_for_some_element_of_a_list() -> None:
    assert fits({"tags": {"prefix": "v"}}, {"tags": ["new", "vip"]})
    assert fits({"tags": {"anything-but": "vip"}}, {"tags": ["new", "vip"]})
    assert not fits({"tags": {"anything-but": "vip"}}, {"tags": ["vip"]})
    assert fits({"items": {"sku": {"exists": False}}}, {"items": [{"sku": 1}, {}]})


OR: JSON = {
    "kind": "order",
    "$or": [{"total": {"numeric": [">", 100]}}, {"customer": {"$or": [{"vip": True}, {"age": 0}]}}],
}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"kind": "order", "total": 101}, True),
        ({"kind": "order", "total": 1, "customer": {"vip": True}}, True),
        ({"kind": "order", "customer": {"age": 0}}, True),
        ({"kind": "order", "total": 1, "customer": {"vip": False}}, False),
        ({"kind": "offer", "total": 101}, False),
    ],
)
def test_one_of_the_alternatives_holds_with_what_stands_beside_it(payload: JSON, expected: bool) -> None:
    assert fits(OR, payload) is explain(parse(OR), event(payload)).matched is expected


def test_an_explanation_of_alternatives_shows_the_one_that_fits_or_comes_nearest() -> None:
    fitting = explain(parse(OR), event({"kind": "order", "customer": {"age": 0}}))
    assert fitting.note == "Alternative 3 of 3 fits."
    assert [line.path for line in fitting.conditions] == ["kind", "customer.age"]
    missing = explain(parse(OR), event({"kind": "order", "total": 7}))
    assert missing.note == "None of 3 alternatives fits; this one is nearest."
    assert [(line.path, line.ok) for line in missing.conditions] == [("kind", True), ("total", False)]


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
