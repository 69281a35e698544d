"""Files as records with their lines: what YAML, JSON and CSV may hold, and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highway_automation.base import safe_yaml
from highway_automation.base.bulk.columns import Layout, Type, same
from highway_automation.base.bulk.reading import Reading
from highway_automation.base.bulk.sources import Uploaded
from highway_automation.base.bulk.writing import all_as_yaml, as_csv, as_yaml

LAYOUT = Layout(
    kind="thing",
    plural="things",
    columns={
        "name": Type.TEXT,
        "note": Type.TEXT,
        "count": Type.NUMBER,
        "enabled": Type.TRUTH,
        "at": Type.TIME,
        "tags": Type.TAGS,
        "data": Type.JSON,
        "of": Type.REFERENCE,
    },
)


def read(**files: str) -> Reading:
    """`read(a_yaml="…")` reads an upload of a.yaml."""
    return Reading(Uploaded({name.replace("_", "."): text for name, text in files.items()}), LAYOUT).run()


def lines(reading: Reading) -> list[tuple[str, int]]:
    return [(record.name, record.line) for record in reading.records]


def told(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def test_yaml_holds_documents_lists_and_named_lists() -> None:
    text = "name: a\n---\n- name: b\n- name: c\n---\nthings:\n  - name: d\n---\n# nothing\n---\nname: e\n"

    assert lines(read(a_yaml=text)) == [("a", 1), ("b", 3), ("c", 4), ("d", 7), ("e", 11)]


def test_json_holds_an_object_a_list_or_a_named_list() -> None:
    assert lines(read(a_json='\n{"name": "a"}')) == [("a", 2)]
    assert lines(read(a_json='[{"name": "a"},\n\n\t{"name": "b"}]')) == [("a", 1), ("b", 3)]
    assert lines(read(a_json='{"things":\n[{"name": "a"}]}')) == [("a", 2)]


def test_fields_have_their_lines_in_yaml_and_json() -> None:
    yaml = "- name: a\n  data:\n    - x\n    - y:\n        z: 1\n"
    text = json.dumps([{"name": "a", "data": ["x", {"y": {"z": 1}}]}], indent=1)
    for reading, line in ((read(a_yaml=yaml), 5), (read(a_json=text), 8)):
        record = reading.records[0]
        assert record.problem("wrong", "data[1].y.z").line == line
        assert record.problem("wrong", "data.1.y.z.gone").line == line
        assert record.problem("wrong").line == record.line


def test_csv_rows_have_the_line_they_start_at() -> None:
    text = '\ufeffname,note,count\r\na,"two\r\nlines",1\r\n\r\n"b","say ""hi""",\r\n,,\r\nc,,3\r\n'.removeprefix(
        "\ufeff"
    )
    reading = read(a_csv=text)

    assert lines(reading) == [("a", 2), ("b", 5), ("c", 7)]
    assert [record.values for record in reading.records] == [
        {"name": "a", "note": "two\r\nlines", "count": 1},
        {"name": "b", "note": 'say "hi"'},
        {"name": "c", "count": 3},
    ]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_csv_of_other_spreadsheets(mark: str) -> None:
    assert read(a_csv=mark.join(["name", "note"]) + "\n" + mark.join(["a", "x, y"])).records[0].values == {
        "name": "a",
        "note": "x, y",
    }


def test_cells_are_what_their_column_says() -> None:
    text = 'name,enabled,at,tags,data,of\n\'=a,YES,2030-01-31T09:00,x; y,"{""n"": 1.0}",null\nb,,,"[""p;q""]",[],\n'
    first, second = (record.values for record in read(a_csv=text).records)

    assert (first["name"], first["enabled"], first["tags"], first["data"]) == ("=a", True, ["x", "y"], {"n": 1.0})
    assert (first["at"].isoformat(), first["of"]) == ("2030-01-31T09:00:00+00:00", "null")
    assert second == {"name": "b", "tags": ["p;q"], "data": []}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a_yaml": "name: a\nnote: 1\n"}, "a.yaml:2: note: Give a text"),
        ({"a_yaml": "name: a\nenabled: 1\n"}, "a.yaml:2: enabled: Give true or false."),
        ({"a_yaml": "name: a\ncount: true\n"}, "a.yaml:2: count: Give a whole number."),
        ({"a_yaml": "name: a\nat: soon\n"}, "a.yaml:2: at: Give a time such as"),
        ({"a_yaml": "name: a\ndata: {x: 1, x: 2}\n"}, "a.yaml:2: Not YAML: 'x' stands twice"),
        ({"a_yaml": "name: a\nname: b\n"}, "a.yaml:2: Not YAML: 'name' stands twice"),
        ({"a_yaml": "name: a\n---\nname: a\nname: b\n"}, "a.yaml:4: Not YAML: 'name' stands twice"),
        ({"a_yaml": "name: !!python/name:os.system\n"}, "a.yaml:1: Not YAML"),
        ({"a_yaml": "name: a\nnote: [\n"}, "a.yaml:3: Not YAML"),
        ({"a_yaml": "- name: a\n- just text\n"}, "a.yaml:2: a thing is an object with a name."),
        ({"a_yaml": "name: a\ndata: .nan\n"}, "a.yaml:1: NaN and Infinity are not JSON."),
        ({"a_yaml": "name: a\nEnabeld: true\n"}, "a.yaml:2: Enabeld: A thing has no 'Enabeld'. Did you mean enabled?"),
        ({"a_json": '[{"name": "a"},\n{"name": "b",\n"name": "c"}]'}, "a.json:3: 'name' stands twice."),
        ({"a_json": '[{"name": "a"},\n{"name": }]'}, "a.json:2: Not JSON: Expecting value at line 2"),
        ({"a_csv": "name,coutn\na,1\n"}, "a.csv:1: A thing has no 'coutn'. Did you mean count?"),
        ({"a_csv": "name,name\na,b\n"}, "a.csv:1: The column 'name' is there twice."),
        ({"a_csv": "note\na\n"}, "a.csv:1: There is no column name."),
        ({"a_csv": ""}, "a.csv:1: There is no column name."),
        ({"a_csv": "name,note\na,b,c\n"}, "a.csv:2: the row has 3 cells, the heading 2"),
        ({"a_csv": "name,count\na,1.5\n"}, "a.csv:2: count: Give a whole number, not '1.5'."),
        ({"a_csv": 'name,note\na,b\nc,"d\ne\n'}, "a.csv:3: Not CSV: unexpected end of data."),
        ({"a_csv": "name,data\na,{\n"}, "a.csv:2: data: Not JSON"),
        ({"a_txt": "x"}, "a.txt: give a file that ends with .json, .yaml, .yml, .csv."),
    ],
)
def test_what_is_wrong_is_told_with_its_line(files: dict[str, str], expected: str) -> None:
    problems = told(read(**files))

    assert any(problem.startswith(expected) for problem in problems), problems


def test_all_that_is_wrong_is_told_and_the_rest_is_read() -> None:
    reading = read(a_csv="name,count\na,x\nb,1\nc,y\n", b_yaml="a: [}", c_json='[{"name": "d"}, 3]')

    assert [(problem.file, problem.line) for problem in reading.problems] == [
        ("a.csv", 2), ("a.csv", 4), ("b.yaml", 1), ("c.json", 1)
    ]  # fmt: skip
    assert [record.name for record in reading.records] == ["b", "d"]


def test_dates_and_odd_words_stay_texts() -> None:
    text = "name: 2026-01-01\nnote: 2026-01-01T00:00:00Z\ndata: {on: 1, 1e3: 1e3, 0777: x}\n"

    assert read(a_yaml=text).records[0].values == {
        "name": "2026-01-01",
        "note": "2026-01-01T00:00:00Z",
        "data": {"on": 1, "1e3": "1e3", "0777": "x"},
    }


def bomb(items: int) -> str:
    anchors = [
        "- &a0 {name: x}",
        *(f"- &a{n} {{name: n, data: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, items)),
    ]
    return "\n".join(anchors)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (bomb(9), "more than 200000 values"),
        ("- &a [x, *a]\n", "contains itself"),
        ("- " * 3000 + "x", "nested deeper"),
        ("{" * 3000, "nested deeper"),
        (bomb(5) + "\n- *a4" * 400, "more than 5000000 values"),
    ],
)
def test_small_files_do_not_grow_huge(text: str, reason: str) -> None:
    problems = told(read(a_yaml=text))

    assert len(problems) == 1
    assert reason in problems[0]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text(
    "ab \n-:#'\"|>%&*!?{}[]\t\r\x85\u2028é😀,=<~0123456789.eE+_@", max_size=12
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(texts.filter(bool), texts, values)
def test_what_is_written_reads_back_as_the_same(name: str, note: str, data: Any) -> None:
    row = {"name": name, "note": note, "data": data}
    alone, listed, table = as_yaml(LAYOUT, row), all_as_yaml(LAYOUT, [row, row]), as_csv(LAYOUT, [row])

    assert safe_yaml.load(alone) == row
    for reading in (read(a_yaml=alone), read(a_yaml=listed), read(a_csv=table.removeprefix("\ufeff"))):
        assert told(reading) == []
        found = {"note": "", "data": None, **reading.records[0].values}
        assert same(found, row), (found, row)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, False), (1, True, False), (0, False, False), (10**16, 1e16, True), (15 * 10**299, 1.5e300, True),
        ({"a": [1]}, {"a": [1]}, True), ({"a": [1]}, {"a": [True]}, False), ("1", 1, False), (None, "", False),
    ],
)  # fmt: skip
def test_what_counts_as_the_same(one: Any, other: Any, equal: bool) -> None:
    assert (same(one, other), same(other, one)) == (equal, equal)


def test_numbers_to_the_base_of_sixty_are_texts() -> None:
    """A long one took minutes: every part multiplies all before it."""
    assert safe_yaml.load("at: 1:30\nhalf: 1:30.5\nten: 10\nhex: 0x10\npart: 1.5\nforced: !!int '2:00'\n") == {
        "at": "1:30",
        "half": "1:30.5",
        "ten": 10,
        "hex": 16,
        "part": 1.5,
        "forced": "2:00",
    }
    started = time.monotonic()
    assert isinstance(safe_yaml.load(f"[1{':1' * 300_000}]"), list)
    assert time.monotonic() - started < 10


def test_a_heading_of_too_many_columns_is_refused_at_once() -> None:
    started = time.monotonic()
    assert told(read(a_csv=f"name{',x' * 200_000}\n")) == [
        "a.csv:1: The heading names 200001 columns; at most 200 are read."
    ]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "value",
    [
        *("!!binary QUJD", "!!set {b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!timestamp 99999-01-01", "!!int ''"),
        *("!!int +", "!!bool perhaps", "!!float x", "0x" + "f" * 5_000, "0" + "7" * 6_000, "0b" + "1" * 20_000),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_line(value: str) -> None:
    """Each of these was read, or raised what nobody expected, and ended as a fault of the product."""
    with pytest.raises(safe_yaml.UnsafeYAML) as caught:
        json.dumps(safe_yaml.load(f"a: 1\nb: {value}\n"))
    assert "Not YAML" in str(caught.value)


def test_numbers_that_can_be_written_are_read_however_they_are_spelled() -> None:
    assert safe_yaml.load(f"[{'9' * 4_000}, 0x{'f' * 3_000}, 1_000, yes, =, 1.5, ~]")[2:] == [
        1000,
        True,
        "=",
        1.5,
        None,
    ]


@pytest.mark.parametrize(
    "files",
    [{"a_csv": "name,count\na,1\nb,x\nc,1\nd,1\n"}, {"a_yaml": "- name: a\n- b\n- name: c\n", "b_yaml": "name: d\n"}],
)
def test_an_upload_has_a_largest_number_of_records(files: dict[str, str]) -> None:
    """Good or bad, each is checked while somebody waits."""
    uploaded = Uploaded({name.replace("_", "."): text for name, text in files.items()}, most=3)
    reading = Reading(uploaded, LAYOUT).run()

    assert [record.name for record in reading.records] == ["a", "c"]
    assert "More than 3 things are too many for one upload. Split it" in told(reading)[-1]
