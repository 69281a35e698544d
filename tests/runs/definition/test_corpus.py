from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import highway_dsl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app import checks, dialect
from runs_app.dialect import DefinitionError

from .definitions import CORPUS_FILES, read


@pytest.fixture(params=CORPUS_FILES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Any:
    return read(request.param)


def test_every_example_has_a_canonical_form_that_is_its_own(example: Any) -> None:
    body = dialect.canonical(example)
    again = dialect.canonical(body)
    assert again == body
    assert list(again["tasks"]) == list(body["tasks"])


def test_an_example_without_its_defaults_means_the_same(example: Any) -> None:
    assert dialect.canonical(without_defaults(example))["tasks"] == dialect.canonical(example)["tasks"]


def test_an_example_means_the_same_in_yaml(example: Any) -> None:
    text = highway_dsl.Workflow.model_validate(copy.deepcopy(example)).to_yaml()
    body = dialect.canonical(dialect.load(text, "yaml"))
    expected = dialect.canonical(example)
    assert body == expected


def without_defaults(value: Any) -> Any:
    """What a terse author would have sent."""
    empty: tuple[Any, ...] = (None, "", [], {}, False, "all_success")
    if isinstance(value, dict):
        return {
            key: without_defaults(item)
            for key, item in value.items()
            if not (key in highway_dsl.BaseOperator.model_fields and item in empty)
        }
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RICH = [path for path in CORPUS_FILES if path.stat().st_size < 12_000]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(RICH), st.data())
def test_whatever_is_put_anywhere_is_read_or_refused_with_a_path(path: Path, data: st.DataObject) -> None:
    raw = read(path)
    for _ in range(data.draw(st.integers(1, 3))):
        place, key = data.draw(st.sampled_from(list(places(raw))))
        place[key] = data.draw(JUNK | st.sampled_from([copy.deepcopy(place[key]), "say", ["each"]]))
    try:
        body = dialect.canonical(raw)
    except DefinitionError as error:
        assert error.problems and all(problem.message for problem in error.problems)
    else:
        assert dialect.canonical(body) == body
        for problem in (found := checks.check(body, known_tools=(), known_workflows=())).errors + found.warnings:
            assert problem.message


def places(value: Any) -> Any:
    """Every (container, key) in a JSON value."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)
