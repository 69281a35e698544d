from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from highway_automation.base.safe_json import JSON
from triggers_app.conditions import Envelope
from triggers_app.filters import explain, matches, parse
from triggers_app.globs import compile_glob
from triggers_app.index import Entry, Index

NAMES = ["a", "b", "a.b", "a.c", "detail", "detail.a"]
TEXTS = st.sampled_from(["x", "xy", "y", "", "x*", "*y", "?"])
SCALARS = st.one_of(TEXTS, st.sampled_from([0, 1, 1.0, 2]), st.booleans(), st.none())
OPERATED = st.sampled_from(
    [
        *({"prefix": "x"}, {"suffix": "y"}, {"exists": True}, {"exists": False}, {"numeric": [">", 0, "<", 2]}),
        *({"anything-but": ["x", 1]}, {"equals-ignore-case": "X"}, {"wildcard": "x*"}),
    ]
)
WANTED = st.one_of(SCALARS, OPERATED, st.lists(SCALARS | OPERATED, min_size=1, max_size=3))
PLAIN_PATTERNS = st.dictionaries(
    st.sampled_from([*NAMES, "$event.source", "$event.type"]),
    WANTED | st.dictionaries(st.sampled_from(["a", "b", "c"]), WANTED, min_size=1),
    max_size=3,
).map(lambda pattern: {key: value for key, value in pattern.items() if _sensible(key, value)})
PATTERNS = PLAIN_PATTERNS | st.lists(PLAIN_PATTERNS.filter(bool), min_size=2, max_size=3).map(
    lambda ways: {"$or": ways, "c": [{"exists": False}, "x"]}
)
PAYLOADS = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner),
        max_leaves=6,
    ),
)
TYPES = st.sampled_from(["t", "t_u", "u", "v"])
TYPE_PATTERNS = st.sampled_from(["t", "t_u", "u", "t*", "*", "*u", "?", "t?u", "\\*"])
MATCHES = st.none() | st.sampled_from(["x", "x*", "*"]).map(compile_glob)


def _sensible(key: str, value: JSON) -> bool:
    return not (key.startswith("$event") and isinstance(value, dict))


@st.composite
def entries(draw: st.DrawFn) -> list[Entry[int]]:
    count = draw(st.integers(0, 12))
    return [
        Entry(
            key,
            compile_glob(draw(TYPE_PATTERNS)),
            parse(draw(PATTERNS)),
            draw(MATCHES),
            draw(MATCHES),
        )
        for key in range(count)
    ]


EVENTS = st.builds(Envelope, TYPES, st.sampled_from(["x", "xy", "z"]), st.sampled_from(["", "x"]), PAYLOADS)


@given(entries(), st.lists(EVENTS, min_size=1, max_size=5))
def test_the_index_finds_exactly_what_looking_at_every_trigger_finds(
    given: list[Entry[int]], events: list[Envelope]
) -> None:
    index = Index(given)
    for event in events:
        naive = [entry.key for entry in given if entry.event_type.matches(event.type) and entry.accepts(event)]
        assert index.match(event) == naive


@given(PATTERNS, EVENTS)
def test_an_explanation_agrees_with_the_match(pattern: JSON, event: Envelope) -> None:
    told = explain(parse(pattern), event)
    assert told.matched is matches(parse(pattern), event)
    assert all(condition.ok for condition in told.conditions) or not told.matched


def test_only_triggers_filed_under_the_events_own_values_are_looked_at() -> None:
    given = [
        Entry(number, compile_glob(f"type{number % 10}"), parse({"user": f"u{number}", "region": "eu-*"}))
        for number in range(1_000)
    ]
    index = Index(given)
    event = Envelope("type3", "", "", {"user": "u33", "region": "eu-1"})
    assert [entry.key for entry in index.candidates(event)] == [33]


def test_the_anchor_is_the_condition_that_fewest_triggers_share() -> None:
    given = [Entry(n, compile_glob("t"), parse({"status": "ok", "user": f"u{n}"})) for n in range(100)]
    assert len(Index(given).candidates(Envelope("t", "", "", {"status": "ok", "user": "u7"}))) == 1


def test_each_alternative_has_an_anchor_of_its_own() -> None:
    given = [
        Entry(n, compile_glob("t"), parse({"status": "ok", "$or": [{"user": f"u{n}"}, {"team": f"t{n}"}]}))
        for n in range(100)
    ]
    index = Index(given)
    for payload in ({"status": "ok", "user": "u7"}, {"status": "ok", "team": "t7", "user": "u7"}):
        assert index.match(Envelope("t", "", "", payload)) == [7]
        assert len(index.candidates(Envelope("t", "", "", payload))) <= 2


def test_alternatives_that_share_their_anchor_are_all_looked_at() -> None:
    given = [
        Entry("it", compile_glob("t"), parse({"user": "u", "$or": [{"a": {"prefix": "x"}}, {"b": {"prefix": "x"}}]}))
    ]
    for payload in ({"user": ["u"], "a": "x"}, {"user": ["u"], "b": "x"}, {"user": "u", "a": "x", "b": "x"}):
        assert Index(given).match(Envelope("t", "", "", payload)) == ["it"]


def test_types_that_are_globs_are_found_by_their_beginning() -> None:
    given = [Entry(n, compile_glob(f"team{n}.*"), parse(None)) for n in range(50)]
    assert Index(given).match(Envelope("team7.deployed", "", "", {})) == [7]


def test_types_that_are_spelt_differently_are_one_type() -> None:
    given = [Entry(spelling, compile_glob(spelling), parse(None)) for spelling in ("a\\b\\*", "a\\\\b\\*")]
    assert len(Index(given).match(Envelope("a\\b*", "", "", {}))) == 2


def test_a_payload_that_is_no_object_matches_only_triggers_without_conditions() -> None:
    given = [Entry("all", compile_glob("t"), parse(None)), Entry("some", compile_glob("t"), parse({"a": "x"}))]
    assert Index(given).match(Envelope("t", "", "", ["a"])) == ["all"]
