from __future__ import annotations

import ast
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs_app.expressions import BindError, ExpressionError, MissingName, Names, bind_code, check_code

HOSTILE = [
    "'", '"', "'''", '"""', "\\", "\\\\'", "\n", "\r\n", "\0", "'); hurt() #", '"); hurt() #', '""" + hurt() + """',
    "{hurt()}", "\\N{BULLET}", "\\x41", "7", "08", "é", "\u2028", "\U0001f600", "\ud800", "#", "{{y}}", "${y}", "",
    "\\\n",
]  # fmt: skip
# Code whose `result` is what @ stands for, with the value's text.
LITERALS = [
    "result = '{{x}}'", 'result = "{{x}}"', "result = '''{{x}}'''", 'result = """{{x}}"""', "result = u'${x}'",
    "result = ('' '{{x}}')", "result = '{{x}}' ''", "result = ('a' '{{x}}')[1:]", "result = '\\\\{{x}}'[1:]",
    "result = '\\1{{x}}'[1:]", "result = \"\"\"\n{{x}}\"\"\"[1:]", "def f():\n    return '''{{x}}'''\nresult = f()",
    "result = '{{x}}'  # it's fine", "result = f'{1}' '{{x}}'\nresult = result[1:]",
    "result = {'{{x}}': 1}.popitem()[0]",
]  # fmt: skip
VALUES = [
    "result = {{x}}", "result = ({{x}})", "result = [{{x}}][0]", "result = {'k': ${x}}['k']",
    "f = lambda v: v\nresult = f({{x}})",
    "f = lambda v: v\nresult = f(v={{x}})", "if True:\n    result = {{x}}\n", "result = {{x}} if 1 else 2",
    "result={{x}};y=1", "for result in [{{x}}]: pass", "result = (lambda: {{ x }})()", "result = 1 and {{x}} or {{x}}",
]  # fmt: skip


def run(code: str) -> dict[str, Any]:
    """The names that the code defines; `hurt` notes that it was called."""
    names: dict[str, Any] = {"hurts": []}
    names["hurt"] = lambda: names["hurts"].append(1) or "hurt"
    types.FunctionType(compile(code, "code", "exec"), names)()
    assert names["hurts"] == []
    return names


@pytest.mark.parametrize("code", LITERALS)
def test_a_text_inside_a_literal_is_that_text(code: str) -> None:
    assert check_code(code) == []
    for value in HOSTILE:
        assert run(bind_code(code, Names(inputs={"x": value})))["result"] == value


@pytest.mark.parametrize("code", VALUES)
def test_a_value_in_an_expression_is_that_value(code: str) -> None:
    assert check_code(code) == []
    for value in [*HOSTILE, 5, -5, 1.5, True, None, [1, "it's"], {"k": {"l": [None, False, "\n"]}}, 10**40]:
        result = run(bind_code(code, Names(inputs={"x": value})))["result"]
        assert result == value or ("or {{x}}" in code and not value)
        assert type(result) is type(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_value_survives_as_a_literal(value: Any) -> None:
    bound = bind_code("{{x}}", Names(inputs={"x": value}))
    assert bound.isascii()
    assert ast.literal_eval(bound) == value


@settings(max_examples=200)
@given(st.text(st.characters() | st.sampled_from("'\"\\\n\r{}0127x"), max_size=20), st.sampled_from(LITERALS))
def test_any_text_survives_inside_a_literal(value: str, code: str) -> None:
    assert run(bind_code(code, Names(inputs={"x": value})))["result"] == value


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("f'{{x}}'", "inside an f-string"),
        ("f'{ {{x}} }'", "inside an f-string"),
        ("F'''\n{{x}}'''", "inside an f-string"),
        ("r'{{x}}'", "inside a raw string"),
        ("R'{{x}}'", "inside a raw string"),
        ("b'{{x}}'", "inside a bytes literal"),
        ("rb'{{x}}'", "inside a raw string"),
        ("rf'{{x}}'", "inside"),
        ("# {{x}}", "inside a comment"),
        ("y = 1  # {{x}}", "inside a comment"),
        ("'\\{{x}}'", "right after a backslash"),
        ("'\\\\\\{{x}}'", "right after a backslash"),
        ("{{x}} = 1", "does not stand where Python takes a value"),
        ("a.{{x}}", "does not stand where"),
        ("a{{x}}", "does not stand where"),
        ("{{x}}a", "does not stand where"),
        ("{{x}}{{x}}", "does not stand where"),
        ("import {{x}}", "does not stand where"),
        ("from {{x}} import y", "does not stand where"),
        ("def {{x}}(): pass", "does not stand where"),
        ("def f({{x}}): pass", "does not stand where"),
        ("class {{x}}: pass", "does not stand where"),
        ("f({{x}}=1)", "does not stand where"),
        ("del {{x}}", "does not stand where"),
        ("global {{x}}", "does not stand where"),
        ("for {{x}} in y: pass", "does not stand where"),
        ("lambda {{x}}: 1", "does not stand where"),
        ("match y:\n    case {{x}}: pass", "does not stand where"),
        ("with a as {{x}}: pass", "does not stand where"),
        ("({{x}} := 1)", "does not stand where"),
        ("5 {{x}}", "cannot be parsed"),
        ("x = (\n{{x}}", "cannot be parsed"),
        ("'{{x}}", "cannot be parsed"),
        ("'\\x4{{x}}'", "cannot be parsed"),
        ("'\\u12{{x}}'", "cannot be parsed"),
        ("'\\N{{{x}}}'", "cannot be parsed"),
        ("if {{x}}:\nx", "cannot be parsed"),
        ("\0{{x}}", "cannot be parsed"),
        ("(" * 500 + "{{x}}" + ")" * 500, "cannot be parsed"),
        ("-" * 200_000 + "{{x}}", "cannot be parsed"),
        ("# coding: utf-7\ny = {{x}}", "declares an encoding"),
        ("\n# -*- coding: cp037 -*-\ny = {{x}}", "declares an encoding"),
    ],
)
def test_elsewhere_it_is_refused_at_save_and_at_run_time(code: str, why: str) -> None:
    issue = check_code(code)[0]
    assert why in issue.message
    assert not issue.warning
    with pytest.raises(BindError, match="write|Use UTF-8"):
        bind_code(code, Names(inputs={"x": "5"}))


def test_the_cure_is_told() -> None:
    [issue] = check_code("print(f'Hi {{x}}')")
    assert issue.message == "`{{x}}` stands inside an f-string."
    assert issue.cure.startswith("Assign it to a variable first (`value = ${…}`)")


def test_code_without_references_is_left_alone() -> None:
    code = "x = {'a': {'b': 1}}\nprint(f'{x}', r'\\d', '{}'.format(1))  # {} ${X:-y}\nthis is no python"
    assert bind_code(code, Names()) == code
    assert check_code(code) == []


def test_the_rest_of_the_code_is_kept() -> None:
    code = '# coding: utf-8\ndef f(a):\n\treturn a  # é\n\nprint(f({{x}}), \'${x}\', """\n{{x}}\n""")\n'
    bound = bind_code(code, Names(inputs={"x": "v"}))
    assert bound == '# coding: utf-8\ndef f(a):\n\treturn a  # é\n\nprint(f((\'v\')), \'v\', """\nv\n""")\n'


def test_sloppy_escapes_of_the_author_are_no_obstacle() -> None:
    assert bind_code("y = '\\d', {{x}}", Names(inputs={"x": 1})) == "y = '\\d', (1)"


def test_line_ends_of_other_systems_are_read() -> None:
    assert run(bind_code("y = 1\r\nresult = '{{x}}'\rz = 2", Names(inputs={"x": "a\r\nb"})))["result"] == "a\r\nb"


def test_raw_is_spliced_with_a_warning() -> None:
    names = Names(inputs={"x": "1 + 1", "y": "it's"})
    assert bind_code("result = {{x | raw}}, '{{y}}'", names) == "result = 1 + 1, 'it\\'s'"
    [issue] = check_code("result = {{x | raw}}")
    assert issue.warning


def test_names_that_look_like_ours_are_left_alone() -> None:
    assert bind_code("nwvalue_0_ = {{x}}", Names(inputs={"x": 1})) == "nwvalue_0_ = (1)"


def test_what_has_no_literal_and_what_is_missing() -> None:
    with pytest.raises(ExpressionError, match="cannot be written as a literal"):
        bind_code("{{x}}", Names(inputs={"x": 10**5000}))
    with pytest.raises(MissingName, match="nope"):
        bind_code("{{nope}}", Names())
