from __future__ import annotations

import pytest

from runs_app import dialect
from runs_app.dialect import DefinitionError

YAML = """
name: sample
start_date: 2030-01-01T00:00:00
tasks:
  route:
    operator_type: switch
    switch_on: "{{k}}"
    cases: {1: one, true: yes_task, "no": no_task}
"""


def test_yaml_is_read_as_json_would_be() -> None:
    assert dialect.load(YAML, "yaml") == {
        "name": "sample",
        "start_date": "2030-01-01T00:00:00",
        "tasks": {
            "route": {
                "operator_type": "switch",
                "switch_on": "{{k}}",
                "cases": {"1": "one", "true": "yes_task", "no": "no_task"},
            }
        },
    }


def test_anchors_and_merges_work() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"
    assert dialect.load(text, "yaml") == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


LAUGHS = "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))])
MERGES = "\n".join(
    ["a0: &a0 {k: v}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12))]
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "line 1"),
        ("[" * 100_000, "deeper than 64"),
        ("- " * 3_000 + "x", "deeper than 64"),
        (LAUGHS, "values"),
        (MERGES, "values"),
        ("a: &a [*a]", "itself"),
        ("a: !!python/object/apply:os.system [id]", "tag"),
        ("{[a]: 1}", "key must be a text"),
        ('a: "\\0"', "NUL"),
        ("a: .nan", "NaN"),
        ("a: 1\n---\nb: 2", "single document"),
    ],
)
def test_yaml_that_is_broken_or_dangerous_is_refused(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        dialect.load(text, "yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"a": 1', "line 1"), ("[" * 100_000, "deeper than 64"), ('{"a": NaN}', "NaN"), (b"\xff", "UTF-8")],
)
def test_json_that_is_broken_or_dangerous_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        dialect.load(text)
