from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from highway_automation.base.schema.grammar import GRAMMAR

GRAMMAR_CASES: list[Any] = [
    {"type": 3}, {"properties": {"a": {"minimum": "x"}}}, {"required": "x"}, {"$ref": 3}, {"$defs": {"a": {"enum": 1}}},
    {"items": [1]}, {"allOf": []}, {"$vocabulary": {"x": 1}}, {"definitions": {"a": 3}}, True, 3, {"$id": "#x"},
    {"dependencies": {"a": ["b", 3]}}, {"dependencies": {"a": {"type": 1}}}, {"pattern": "("}, {"format": 3},
    {"minItems": -1}, {"if": 3}, {"$anchor": "1"}, {"contentSchema": 3}, {"deprecated": 3}, {"unevaluatedItems": 3},
    {"prefixItems": []}, {"propertyNames": 3}, {"$dynamicRef": 3}, {"$recursiveRef": 3}, {"$recursiveAnchor": ""},
    {"dependentRequired": {"a": ["b", "b"]}}, {"uniqueItems": 1}, {"oneOf": [{"not": {"const": 1, "maxLength": 1.5}}]},
    {"$comment": 1, "title": 2, "readOnly": 3, "examples": 4}, {"type": "object", "properties": {"a": {"$ref": "#/x"}}},
    Draft202012Validator.META_SCHEMA,
]  # fmt: skip


@pytest.mark.parametrize("schema", GRAMMAR_CASES, ids=str)
def test_our_grammar_says_what_the_published_one_says_eight_times(schema: Any) -> None:
    def told(grammar: Any) -> set[tuple[str, str]]:
        return {("/".join(map(str, error.path)), error.message) for error in grammar.iter_errors(schema)}

    assert told(GRAMMAR) == told(Draft202012Validator(Draft202012Validator.META_SCHEMA))


def test_our_grammar_has_every_keyword_and_no_reference_leads_out() -> None:
    schema: Any = GRAMMAR.schema
    text = json.dumps(schema)
    defined = {f"#/$defs/{name}" for name in schema["$defs"]} | {"#"}

    assert len(schema["properties"]) == 61
    assert set(re.findall(r'"\$ref": "([^"]+)"', text)) <= defined
    assert '$dynamicRef": "' not in text
