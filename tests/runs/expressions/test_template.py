from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.expressions import Reference, TemplateError, dotted, parse_template, references, uses_raw


def only(text: str) -> Reference:
    sole = parse_template(text).sole
    assert sole is not None
    return sole


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("${input.email}", ("input", "email")),
        ("{{input.email}}", ("input", "email")),
        ("{{ input.email }}", ("input", "email")),
        ("${ steps.check_login.output.has_logged_in }", ("steps", "check_login", "output", "has_logged_in")),
        ("{{my-task.stdout}}", ("my-task", "stdout")),
        ("{{rows[0].id}}", ("rows", 0, "id")),
        ("{{rows[-1]}}", ("rows", -1)),
        ("{{rows.0.id}}", ("rows", "0", "id")),
        ('{{headers["Content-Type"]}}', ("headers", "Content-Type")),
        ("{{steps['my task'].output}}", ("steps", "my task", "output")),
        ("{{orders.length}}", ("orders", "length")),
        ("{{größe}}", ("größe",)),
        ("{{_artifact_id}}", ("_artifact_id",)),
        ("{{ENV.API_TOKEN}}", ("ENV", "API_TOKEN")),
        ("${NAME}", ("NAME",)),
    ],
)
def test_a_reference_is_read(text: str, path: tuple[str | int, ...]) -> None:
    assert only(text).path == path


@pytest.mark.parametrize(
    "text",
    [
        "${X:-y}", "${X-y}", "${X:=y}", "${#x}", "${x%.*}", "${x//a/b}", "${!x}", "${}", "${ }", "$x", "$(x)",
        "{{.Names}}", "{{ .Names }}", "{{json .}}", "{{range .Items}}", "{{}}", "{{ }}", "{{1}}", "{{a b}}",
        "${a", "{{a", "{{a}", "{{a..b}}", "{{a[}}", "{{a[x]}}", "{a}", "{ {a} }", "{{range(10)}}",
        "${ macros.ds_add(ds, 7) }", "{{a || b}}", "{{'a'}}", '{"k": {"v": 1}}', "{{a.}}", "{{-a}}", "",
    ],
)  # fmt: skip
def test_other_brace_text_stays_as_it_is(text: str) -> None:
    template = parse_template(text)
    assert template.references == ()
    assert "".join(map(str, template.pieces)) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$${x}", "${x}"),
        ("{{{{x}}", "{{x}}"),
        ("a $${x} b {{{{y}} c", "a ${x} b {{y}} c"),
        ("$$${x}", "$${x}"),
        ("$${X:-y}", "${X:-y}"),
        ("price: $$", "price: $$"),
    ],
)
def test_doubled_openings_are_literal(text: str, meant: str) -> None:
    template = parse_template(text)
    assert template.references == ()
    assert "".join(map(str, template.pieces)) == meant


def test_references_stand_between_literals() -> None:
    template = parse_template("a ${x} b {{{y}}} c")
    assert [p if isinstance(p, str) else p.path for p in template.pieces] == ["a ", ("x",), " b {", ("y",), "} c"]
    assert template.sole is None
    assert [(r.source, r.span) for r in template.references] == [("${x}", (2, 6)), ("{{y}}", (10, 15))]


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("{{x | default('a')}}", "a"),
        ('{{x|default("a b")}}', "a b"),
        ("{{x | default('it\\'s')}}", "it's"),
        ("{{x | default('a\\nb')}}", "a\nb"),
        ("{{x | default('}}')}}", "}}"),
        ("${x | default(5)}", 5),
        ("${x | default(-1.5)}", -1.5),
        ("${x | default(1e3)}", 1000.0),
        ("${x | default(true)}", True),
        ("${x | default(False)}", False),
        ("${x | default(null)}", None),
        ("${x | default(None)}", None),
        ("${x | default([])}", []),
        ("${x | default({})}", {}),
        ("${x | default('')}", ""),
    ],
)
def test_default_takes_a_literal(text: str, default: object) -> None:
    reference = only(text)
    assert reference.has_default
    assert reference.default == default
    assert type(reference.default) is type(default)


def test_raw_is_flagged() -> None:
    assert only("${x | raw}").raw
    assert only("${x | default('a') | raw}").raw
    assert not only("${x}").raw
    assert uses_raw({"a": ["${x}", "b ${y | raw}"]})
    assert not uses_raw({"a": ["${x}", "raw"]})


@pytest.mark.parametrize("text", ["{{x | upper}}", "${x | default(y)}", "${x | default()}", "{{ a | raw | nope }}"])
def test_an_unknown_filter_is_an_error(text: str) -> None:
    with pytest.raises(TemplateError, match="has a filter that does not exist or cannot be read"):
        parse_template(text)


def test_references_are_found_anywhere() -> None:
    value = {"a": ["${x.y}", {"b": "z {{q}} ${r}"}], "c": 5, "d": None, "${key}": True, "e": "{{bad | nope}}"}
    assert [reference.name for reference in references(value)] == ["x.y", "q", "r"]
    assert next(references("${input.email}")).root == "input"


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
keys = st.lists(st.one_of(names, st.integers(-99, 99), st.text("abc .-ü{}$", min_size=1, max_size=6)), max_size=4)


@given(names, keys)
def test_a_path_is_written_as_it_is_read(root: str, rest: list[str | int]) -> None:
    path = (root, *rest)
    assert only("${" + dotted(path) + "}").path == path
    assert only("{{" + dotted(path) + "}}").path == path


@given(st.lists(st.sampled_from(["$", "{", "}", "a", ".", "[", "0", "]", "|", "raw", '"', "'", "\\", " ", "\n"])))
def test_every_text_is_cut_without_loss(parts: list[str]) -> None:
    text = "".join(parts).replace("$${", "").replace("{{{{", "")
    try:
        pieces = parse_template(text).pieces
    except TemplateError:
        return
    again = "".join(p if isinstance(p, str) else p.source for p in pieces)
    assert again == text or "$${" in text or "{{{{" in text
    assert all(pieces)
