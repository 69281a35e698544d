"""Texts of a mebibyte, and texts made to be slow, are read in time that grows with their length only.

No times are asserted: a reader that backtracks without end meets the suite's time limit here.
"""

from __future__ import annotations

import contextlib

import pytest

from runs_app.expressions import (
    ExpressionError,
    Names,
    bind_code,
    bind_shell,
    bind_url,
    check_argv,
    check_code,
    check_condition,
    check_shell,
    resolve,
    to_list,
)

SIZE = 1024 * 1024
LONG = 16 * 1024
NAMES = Names(inputs={"x": "v"})
PATTERNS = [
    "{{", "${", "{{x}}", "${x}", "{{ ", "{{a.", "{{a[0]", "{{a|default('", '{{a|default("', "{{a|raw|", "{{{{", "$${",
    "a ", "\n",
    "'", '"', "\\", "`", "$(", "$((", "((", "${x:-", ")", "}", "<<E\n", "<<-'E'\n", "echo 'a' \"b\" {{x}};\n", "sh ",
    "sudo sh ",
    "env -c ", "| sh ", "&> ", "x=1 ", "[[ ", "# {{x}}\n", "\\\n", "a[", "sed {{x}} ", "{{x}} ", "$(echo {{x}}) ",
    "{ echo {{x}}; } | sh\n",
    "cat <<E\n{{x}}\nE\n", "cat <<E\n\\\n", "1 + ", "not ", "1 == 1 and ", "(", "[1,", "a.", "-", "'{{x}}' ",
    "{{x}} == 1 or ", "f'", '"""',
    "x = '{{x}}'\n", "x = {{x}}\n", "if x:\n ", "{'a': ", "{{a['", "{{a-", "{{a_", "{{ x | default(1", "9", ".", "0.",
    "e1",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_repetition_is_read_in_linear_time(pattern: str) -> None:
    text = pattern * (LONG // len(pattern)) + "{{x}}"
    for read in (check_condition, check_shell, check_code):
        assert isinstance(read(text), list)
    with contextlib.suppress(ExpressionError):
        bind_url(text, NAMES)


def test_a_mebibyte_of_text_is_bound() -> None:
    text = "x" * SIZE
    assert resolve(text + "{{x}}", NAMES) == text + "v"
    assert bind_shell(f"echo '{text}' {{{{x}}}}", NAMES).command.endswith('"$HW_1"')
    assert bind_code(f"y = '{text}', {{{{x}}}}", NAMES).endswith("('v')")
    assert bind_url(f"http://h/{text}/{{{{x}}}}", NAMES).endswith("/v")
    assert resolve("<{{big}}>", Names(inputs={"big": text})) == f"<{text}>"
    assert len(to_list("a\n" * (SIZE // 2))) == SIZE // 2
    assert bind_code("y = '{{big}}'", Names(inputs={"big": "é'" * (SIZE // 2)})).count("\\xe9") == SIZE // 2


def test_a_long_argument_vector_is_checked() -> None:
    assert check_argv(["sudo", *["sh"] * 20_000, "{{x}}"])
    assert not check_argv(["echo", *["{{x}}"] * 10_000])
