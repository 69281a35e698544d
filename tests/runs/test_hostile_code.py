"""A reference in Python code never becomes code: through a real run, in every place that Python's grammar has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from highway_automation.base.errors import Invalid
from runs_app.actions import store_definition
from runs_app.expressions import Names, bind_code
from runs_app.models import WorkflowDefinition
from tenants_app.models import Tenant
from tests.conftest import workflow
from tests.runs.tools.context import call

VALUES = [
    "$(touch x)", '"; touch x #', "'; touch x #", "`touch x`", "a\nb", "a\r\nb\rc",
    "'", '"', "'''", '"""', '""" + hurt() + """',
    "''' + hurt() + '''", "'); hurt() #", '"); hurt() #', "\\", "\\\\", "\\'", '\\"', "ends with \\",
    "\\\n", "\\x41\\N{BULLET}",
    "\\u0041", "\\0", "7", "08", "{}", "{hurt()}", "{{", "}}", "{0}", "%s", "%(x)s", "#",
    "# coding: rot13", "${inputs.v1}",
    "{{inputs.v1}}", "\t", "\x01\x1b[2J\x7f", "\u2028\u2029\x85\x0c",
    "\u202e", "é\U0001f600", "", " ", "None", "hurt()",
    "__import__('os').system('touch x')", "; hurt()", "\nhurt()\n", "lambda: hurt()", "\\\r\n\\", "a" * 5_000,
]  # fmt: skip
# Code whose `v` is the value that stands for @.
STATES = {
    "expression": "v = @",
    "in parentheses": "v = (\n  @\n)",
    "argument": "v = str(@)",
    "keyword argument": "v = dict(k=@)['k']",
    "list, dict and set": "v = [@][0]\nassert {@: 1} and {'k': @} and {@}",
    "default of a parameter": "def f(a=@):\n    return a\nv = f()",
    "lambda": "v = (lambda: @)()",
    "comparison": "v = @ if @ == @ else 'differs'",
    "subscript": "v = {@: @}[@]",
    "format argument": "v = '{}'.format(@)",
    "percent argument": "v = '%s' % (@,)",
    "after a line continuation": "v = \\\n  @",
    "before a line continuation": "v = @ \\\n  + ''",
    "after a semicolon": "w = 1; v = @",
    "one-line block": "if True: v = @",
    "single quotes": "v = '@'",
    "double quotes": 'v = "@"',
    "triple single quotes": "v = '''@'''",
    "triple double quotes": 'v = """@"""',
    "triple quotes over lines": 'v = """\n@\n"""[1:-1]',
    "triple quotes beside quotes": "v = '''it's \"@\" '''[6:-2]",
    "unicode prefix": "v = u'@'",
    "between literals": "v = 'a' '@' \"b\"\nv = v[1:-1]",
    "beside an f-string": "v = f'{1}' '@'\nv = v[1:]",
    "inside text": "v = 'x: @, y'[3:-3]",
    "after an escaped backslash": "v = '\\\\@'[1:]",
    "after an octal escape": "v = '\\1@'[1:]",
    "a continued literal": "v = 'a\\\n@'[1:]",
    "dictionary key in quotes": "v = next(iter({'@': 1}))",
    "nested call in quotes": "v = ''.join(['@'])",
    "twice in one literal": "v = '@@'\nv = v[:len(v) // 2]",
    "docstring": "def f():\n    '''@'''\nv = f.__doc__",
    "quoted for a shell":
        "import shlex, subprocess as s\nv = s.check_output('printf %s ' + shlex.quote(@), shell=True).decode()",
    "argument of a program": "import subprocess as s\nv = s.check_output(['printf', '%s', @]).decode()",
    "argument of a shell":
        "import subprocess as s\nv = s.check_output(['sh', '-c', 'printf %s \"$1\"', '-', @]).decode()",
    "json text": "import json\nv = json.loads(json.dumps('@'))",
}  # fmt: skip
REFUSED = {
    "f-string": "v = f'@'",
    "f-string expression": "v = f'{@}'",
    "f-string in triple quotes": 'v = f"""\n@\n"""',
    "nested f-string": "v = f\"{'@'}\"",
    "f-string format": "v = f'{1:@}'",
    "raw string": "v = r'@'",
    "raw triple quotes": "v = R'''@'''",
    "raw bytes": "v = rb'@'",
    "raw f-string": "v = rf'@'",
    "bytes": "v = b'@'",
    "bytes in double quotes": 'v = B"@"',
    "comment": "v = 1  # @",
    "line of comment": "# @\nv = 1",
    "after a backslash": "v = '\\@'",
    "a name": "@ = 1",
    "part of a name": "x@ = 1",
    "attribute": "v = x.@",
    "keyword": "f(@=1)",
    "import": "import @",
    "function": "def @(): pass",
    "parameter": "def f(@): pass",
    "pattern": "match 1:\n    case @: pass",
    "unfinished string": "v = '@",
    "unfinished triple quotes": "v = '''@",
    "no Python": "echo @",
    "other encoding": "# coding: utf-7\nv = '@'",
    "eval": "v = eval('@')",
    "exec of a value": "exec(@)",
    "compile": "compile('@', 'x', 'exec')",
    "shell of os": "import os\nos.system('echo @')",
    "shell of subprocess": "import subprocess\nsubprocess.run('echo @', shell=True)",
    "program of a shell": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo @'])",
    "formatted for a shell": "import os\nos.system('echo {}'.format(@))",
}  # fmt: skip


def code_step(code: str) -> dict[str, Any]:
    task = {"task_id": "a", "operator_type": "task", "function": "tools.code.exec", "dependencies": []}
    return {**task, "kwargs": {"code": code, "timeout": 60}}


def gathering(state: str, count: int) -> str:
    """The state for each of `count` inputs; prints them back and returns them. Every line of code is parsed apart."""
    parts = ["import sys", "hurts, found = [], []", "def hurt():", "    hurts.append(1)", "    return 'hurt'"]
    for number in range(count):
        parts += [state.replace("@", f"{{{{inputs.v{number}}}}}"), "found.append(v)"]
    parts += ["sys.stdout.buffer.write(b'\\x1e'.join(each.encode() for each in found))"]
    parts += ["import os", "result = [found, hurts, os.path.exists('x')]"]
    return "\n".join(parts)


@pytest.mark.django_db
@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_a_value_is_printed_back_as_it_is(run: Callable[..., Any], state: str) -> None:
    values = [value[:500] for value in VALUES]
    ended = run(workflow(code_step(gathering(state, len(values)))), {f"v{n}": value for n, value in enumerate(values)})
    assert ended.status == "completed", ended.error
    assert ended.result["output"]["result"] == [values, [], False]
    assert ended.result["output"]["stdout"] == "\x1e".join(values)


@pytest.mark.django_db
@pytest.mark.parametrize("state", REFUSED.values(), ids=REFUSED.keys())
def test_a_place_that_cannot_hold_a_value_is_refused_with_the_cure(tenant: Tenant, state: str) -> None:
    with pytest.raises(Invalid) as refused:
        store_definition(tenant, workflow(code_step(state.replace("@", "{{inputs.v}}"))))
    assert "tasks.a.kwargs.code" in refused.value.lines()
    assert any(cure in refused.value.lines() for cure in ("Assign it to a variable", "Use UTF-8", "shlex.quote()"))
    assert not WorkflowDefinition.objects.for_tenant(tenant).exists()


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("'\"\\\n\r{}$#;()08xN"),
    max_size=30,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(texts, min_size=25, max_size=60), st.data())
def test_any_text_survives_in_any_place(values: list[str], data: st.DataObject) -> None:
    states = data.draw(st.lists(st.sampled_from(sorted(STATES)), min_size=2, max_size=4, unique=True))
    names = Names(inputs={f"v{n}": value for n, value in enumerate(values)})
    for state in states:
        code = bind_code(gathering(STATES[state], len(values)), names)
        output = call("tools.code.exec", code=code, timeout=60)
        assert output["result"] == [values, [], False]


def test_values_that_are_no_texts_keep_their_type() -> None:
    given_value = {"n": None, "t": [True, 1.5, -3], "s": 'a"b'}
    code = bind_code("result = [{{v}}, {{v.t}}, -{{v.t[2]}}]", Names(inputs={"v": given_value}))
    assert call("tools.code.exec", code=code)["result"] == [given_value, [True, 1.5, -3], 3]
