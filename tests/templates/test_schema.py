"""Input schemas, without a database."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from highway_automation.base.errors import Invalid
from highway_automation.base.schema import check_schema, fill_and_validate

Schema = dict[str, Any]


def props(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


def faults(schema: Any) -> dict[str, str]:
    """Field → message of what `check_schema` refuses."""
    try:
        check_schema(schema)
    except Invalid as error:
        return {it.field: it.message for it in error.field_errors}
    return {}


def misfits(schema: Any, inputs: Any) -> dict[str, str]:
    try:
        fill_and_validate(schema, inputs)
    except Invalid as error:
        return {it.field: it.message for it in error.field_errors}
    return {}


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    city: str = "Bern"
    zip: int | None = None


class Order(BaseModel):
    """What Pydantic emits: $defs, $ref with siblings, anyOf with null, nested defaults."""

    who: str
    colour: Colour = Colour.RED
    home: Address = Address()
    other: Address | None = None
    lines: list[Address] = []
    due: date | None = None
    kind: Literal["a", "b"] = "a"
    ratio: float = Field(default=0.5, ge=0, le=1)
    tags: dict[str, Address] = {}


ORDER = Order.model_json_schema()


def test_what_pydantic_emits_is_accepted_and_filled() -> None:
    check_schema(ORDER)
    filled = fill_and_validate(ORDER, {"who": "Ada", "other": {"zip": 1}, "lines": [{}], "tags": {"x": {}}})

    bern = {"city": "Bern", "zip": None}
    assert filled == {
        "who": "Ada",
        "colour": "red",
        "home": bern,
        "other": {"city": "Bern", "zip": 1},
        "lines": [bern],
        "due": None,
        "kind": "a",
        "ratio": 0.5,
        "tags": {"x": bern},
    }
    assert Order.model_validate(filled)


def test_what_does_not_fit_is_named_by_its_path() -> None:
    wrong = {"colour": "green", "home": {"city": 3}, "other": {"zip": "x"}, "lines": [{}, 4], "due": "soon"}
    assert set(misfits(ORDER, wrong)) == {
        "inputs.who",
        "inputs.colour",
        "inputs.home.city",
        "inputs.other.zip",
        "inputs.lines.1",
        "inputs.due",
    }


def test_the_given_inputs_and_the_schema_stay_as_they_are() -> None:
    schema = props(a={"type": "object", "default": {"x": []}, "properties": {"y": {"default": 1}}})
    inputs: Schema = {}
    first = fill_and_validate(schema, inputs)
    first["a"]["x"].append("changed")

    assert inputs == {}
    assert fill_and_validate(schema, inputs) == {"a": {"x": [], "y": 1}}


def test_without_a_schema_anything_that_is_an_object_goes() -> None:
    check_schema(None)
    assert fill_and_validate(None, {"a": [1]}) == {"a": [1]}
    assert set(misfits(None, [1])) == {"inputs"}


@pytest.mark.parametrize(
    ("schema", "inputs", "filled"),
    [
        (props(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"default": 3}}}, {}, {"a": 3}),
        (props(a={"allOf": [{"$ref": "#/$defs/a"}]}) | {"$defs": {"a": {"default": 3}}}, {}, {"a": 3}),
        (props(a={"$ref": "#/$defs/a", "default": 4}) | {"$defs": {"a": {"default": 3}}}, {}, {"a": 4}),
        (props(a={"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}), {}, {"a": None}),
        ({"allOf": [props(a={"default": 1}), props(b={"default": 2})]}, {}, {"a": 1, "b": 2}),
        ({"$ref": "#/$defs/m", "$defs": {"m": props(a={"default": 1})}}, {}, {"a": 1}),
        (props(a={"anyOf": [props(b={"default": 1}), {"type": "null"}]}), {"a": {}}, {"a": {"b": 1}}),
        (props(a={"oneOf": [{"type": "null"}, props(b={"default": 1})]}), {"a": None}, {"a": None}),
        (props(a=props(b={"default": 1})), {}, {}),
        (props(a={"prefixItems": [props(b={"default": 1})]}), {"a": [{}, {}]}, {"a": [{"b": 1}, {}]}),
        (props(a={"default": 1}), {"a": None}, {"a": None}),
    ],
)
def test_defaults(schema: Schema, inputs: Schema, filled: Schema) -> None:
    check_schema(schema)
    assert fill_and_validate(schema, inputs) == filled


def test_a_choice_is_filled_by_the_option_that_fits() -> None:
    cat = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"default": 9}}, "required": ["kind"]}
    dog = {"type": "object", "properties": {"kind": {"const": "dog"}, "tricks": {"default": []}}, "required": ["kind"]}
    schema = props(pet={"oneOf": [cat, dog]})

    assert fill_and_validate(schema, {"pet": {"kind": "dog"}}) == {"pet": {"kind": "dog", "tricks": []}}
    assert misfits(schema, {"pet": {"kind": "cow"}}) == {"inputs.pet": "It fits none of the allowed forms."}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#/properties/a/enum/0", "properties": {"a": {"enum": [{}]}}},
        {"$dynamicRef": "#"},
        props(a={"$id": "http://x/", "type": "string"}),
        {"$schema": "http://json-schema.org/draft-07/schema#"},
    ],
)
def test_only_references_within_the_schema_are_followed(schema: Schema) -> None:
    assert faults(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"type": "object"}, {"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"oneOf": [{"$ref": "#/$defs/a"}]}}},
        {"if": {"$ref": "#"}},
        {"dependentSchemas": {"a": {"$ref": "#"}}},
    ],
)
def test_a_schema_that_never_ends_is_refused(schema: Schema) -> None:
    assert "refers back to itself" in " ".join(faults(schema).values())


def test_recursion_into_parts_of_the_value_is_fine() -> None:
    tree = props(name={"type": "string", "default": "leaf"}, children={"type": "array", "items": {"$ref": "#"}})
    check_schema(tree)

    assert fill_and_validate(tree, {"children": [{}]}) == {"name": "leaf", "children": [{"name": "leaf"}]}
    assert set(misfits(tree, {"children": [{"name": 1}]})) == {"inputs.children.0.name"}


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (props(a={"type": "integer", "default": "x"}), "input_schema.properties.a.default"),
        (props(a={"type": "string", "pattern": "^a", "default": "b"}), "input_schema.properties.a.default"),
        (props(a={"type": "string", "format": "date", "default": "soon"}), "input_schema.properties.a.default"),
        (
            props(a={"$ref": "#/$defs/e", "default": "z"}) | {"$defs": {"e": {"enum": ["x"]}}},
            "input_schema.properties.a.default",
        ),
        ({"$defs": {"a": {"type": "null", "default": 1}}}, "input_schema.$defs.a.default"),
        (props(a={"$ref": "#", "default": {}}), "input_schema.properties.a.default"),
    ],
)
def test_a_default_that_breaks_its_schema_is_refused(schema: Schema, field: str) -> None:
    assert set(faults(schema)) == {field}


def test_a_default_may_rely_on_defaults_within_it() -> None:
    part = {"type": "object", "properties": {"b": {"type": "integer", "default": 1}}, "required": ["b"], "default": {}}
    schema = props(a=part)
    check_schema(schema)
    assert fill_and_validate(schema, {}) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ([], "input_schema"),
        ("x", "input_schema"),
        (True, "input_schema"),
        ({"type": "strange"}, "input_schema.type"),
        ({"type": "string"}, "input_schema.type"),
        ({"properties": []}, "input_schema.properties"),
        (props(a=3), "input_schema.properties.a"),
        (props(a={"minimum": "x"}), "input_schema.properties.a.minimum"),
        (props(a={"pattern": "("}), "input_schema.properties.a.pattern"),
        (props(a={"pattern": "(?=a)b"}), "input_schema.properties.a.pattern"),
        (props(a={"pattern": "(a)\\1"}), "input_schema.properties.a.pattern"),
        ({"patternProperties": {"[": {}}}, "input_schema.patternProperties.["),
        ({"unevaluatedProperties": False}, "input_schema.unevaluatedProperties"),
        ({"$id": "http://[::"}, "input_schema.$id"),
        ({"$id": "http://\u2100.com"}, "input_schema.$id"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, field: str) -> None:
    assert field in faults(schema)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-02-28T12:00:00Z", "2026-02-28 noon"),
        ("time", "12:00:00", "25:00"),
        ("duration", "P3DT4H", "3 days"),
        ("email", "a.b+c@example.com", "a@"),
        ("hostname", "example.com", "-x-"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "::1", "::g"),
        ("uri", "https://example.com/x?y", "example"),
        ("iri", "https://exämple.com/ü", "ü"),
        ("uuid", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "6fa459ea"),
        ("json-pointer", "/a/b", "a/b"),
    ],
)
def test_formats_are_checked(name: str, good: str, bad: str) -> None:
    schema = props(a={"type": "string", "format": name})
    assert (misfits(schema, {"a": good}), set(misfits(schema, {"a": bad}))) == ({}, {"inputs.a"})
    assert set(misfits(schema, {"a": good + "x" * 20_000})) == {"inputs.a"}


def test_patterns_search_as_json_schema_does_and_understand_its_escapes() -> None:
    schema = props(a={"pattern": "b+"}, b={"pattern": "^\\u00e4$"}, c={"pattern": "^\\d{3}\\Z"})
    assert misfits(schema, {"a": "abbc", "b": "ä", "c": "123"}) == {}
    assert set(misfits(schema, {"a": "c", "b": "a", "c": "1234"})) == {"inputs.a", "inputs.b", "inputs.c"}


def doubling(levels: int) -> Schema:
    """2 ** levels checks of the same value."""
    defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"type": "object"}}}


def chain(length: int) -> Schema:
    defs: Schema = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{length}": {"type": "object"}}}


def nested_objects(depth: int) -> dict[str, Any]:
    return {"a": nested_objects(depth - 1)} if depth else {"a": 1}


HOSTILE: list[tuple[Schema, Any]] = [
    (props(a={"type": "string", "pattern": "^(a+)+$"}), {"a": "a" * 200_000 + "!"}),
    ({"patternProperties": {"^(a|a)*$": {"type": "string"}}}, {"a" * 100_000 + "!": 1}),
    (doubling(60), {}),
    (chain(1_500), {}),
    (props(a={"uniqueItems": True}), {"a": [{"n": n} for n in range(50_000)]}),
    (props(a={"enum": list(range(20_000))}), {"a": -1}),
    (props(a={"type": "array", "items": {"enum": list(range(5_000))}}), {"a": list(range(-20_000, 0))}),
    (props(a={"multipleOf": 0.1}), {"a": 10**400}),
    (props(a={"multipleOf": 1e-300}), {"a": 1e300}),
    ({"properties": {"a": {"$ref": "#", "default": {}}, "b": {"$ref": "#", "default": {}}}}, {}),
    (props(a={"contains": {"contains": {"contains": {"const": 1}}}}), {"a": [[[0] * 100] * 100] * 100}),
    (
        props(a={"anyOf": [props(b={"anyOf": [props(c={"const": n}) for n in range(50)]})] * 50}),
        {"a": {"b": {"c": -1}}},
    ),
    (props(a={"anyOf": [{"$ref": "#"}] * 10}), nested_objects(20)),
]


def test_numbers_too_large_for_floats_are_divided_exactly() -> None:
    for step, fits, not_fits in ((0.5, 10**400, None), (10**400, 10**401, 1.5), (5e-324, 1e308, None)):
        assert misfits(props(a={"multipleOf": step}), {"a": fits}) == {}
        if not_fits is not None:
            assert "inputs.a" in misfits(props(a={"multipleOf": step}), {"a": not_fits})


@pytest.mark.parametrize(("schema", "inputs"), HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.timeout(20)
def test_nothing_keeps_it_busy_or_breaks_it(schema: Schema, inputs: Any) -> None:
    faults(schema)
    misfits(schema, inputs)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "http://127.0.0.1:9/x"},
        {"$ref": 3},
        {"properties": []},
        {"properties": {"a": 3}},
        {"pattern": "("},
        {"additionalProperties": False, "patternProperties": 3},
        {"allOf": {}},
        {"type": 3},
        {"minProperties": "x"},
        [],
        3,
    ],
)
def test_a_schema_that_was_never_checked_raises_nothing_but_refusals(schema: Any) -> None:
    misfits(schema, {"a": "x"})


def test_too_many_parts_are_refused() -> None:
    assert faults(props(**{f"p{n}": {} for n in range(3_000)})) == {"input_schema": "It has more than 2000 subschemas."}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
WORDS = ["$ref", "$defs", "properties", "items", "type", "default", "allOf", "anyOf", "enum", "pattern", "required"]
SCHEMAS = st.recursive(
    st.sampled_from(["object", "string", "#", "#/$defs/a", "a+", True, False, 1, None]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, "a", "not"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(schema=SCHEMAS, inputs=st.dictionaries(st.sampled_from(["a", "b"]), JSON, max_size=2))
def test_any_schema_and_inputs_end_in_an_answer_or_a_refusal(schema: Any, inputs: Any) -> None:
    accepted = not faults(schema)
    try:
        filled = fill_and_validate(schema, inputs)
    except Invalid:
        return
    if accepted:
        assert fill_and_validate(schema, filled) == filled


@pytest.mark.parametrize(
    "schema", [{"not": {"$ref": "#"}}, {"anyOf": [{"$ref": "#"}]}, {"allOf": [{"not": {"$ref": "#"}}]}]
)
def test_a_schema_that_leads_back_to_itself_ends_in_a_refusal(schema: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        fill_and_validate(schema, {"a": 1})
