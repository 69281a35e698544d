"""Where a value would not stay one literal word it is refused, at save and again when it is bound."""

from __future__ import annotations

import pytest

from runs_app.expressions import BindError, MissingName, Names, bind_argv, bind_shell, check_argv, check_shell

NAMES = Names(inputs={"x": "5", "NAME": "mine"})

REFUSED = [
    # What the words around make of it
    "echo $(({{x}}+1))", "echo $(( $(echo {{x}}) + 1 ))", "((y={{x}}))", "for ((i=0;i<{{x}};i++)); do :; done",
    "echo $[{{x}}]", "[[ {{x}} == a ]]", "if [[ -n {{x}} ]]; then :; fi", "[[ $(echo {{x}}) -eq 5 ]]",
    "[[ $(echo ]] ) == {{x}} ]]", '[[ "]]" == {{x}} ]]', "time [[ {{x}} ]]", "cat <<'EOF'\n{{x}}\nEOF\n",
    'cat <<"EOF"\n{{x}}\nEOF\n', "cat <<\\EOF\n{{x}}\nEOF\n", "echo $'a{{x}}'", 'echo $"a{{x}}"', "echo `echo {{x}}`",
    'echo "`echo {{x}}`"', "echo ${X:-{{x}}}", 'echo "${X#{{x}}}"', "a[{{x}}]=1", "a=([{{x}}]=1)", "unset {{x}}",
    "echo \\{{x}}", 'echo "\\{{x}}"', "cat <<EOF\n\\{{x}}\nEOF\n", "echo ${{x}}", 'echo "${{x}}"', "cat <<{{x}}\na\n",
    "diff <(echo {{x}}) f", "echo >&{{x}}", "cat <&{{x}}", "PS4={{x}}; set -x; :",
    "BASH_ENV={{x}} bash f", "declare -i n; n={{x}}",
    "local -i n={{x}}",
    # Commands that run their arguments
    "eval {{x}}", 'eval "echo {{x}}"', "sh -c 'echo {{x}}'", 'bash -lc "{{x}}"', "dash -c {{x}}", "sh -euc '{{x}}'",
    "sh -c 'echo $1' sh {{x}}", "bash -o pipefail -c {{x}}", "/usr/bin/env -i bash -c {{x}}", "ssh host '{{x}}'",
    "ssh {{x}} uptime", "awk '{print {{x}}}' f", "gawk -v a={{x}} 1", "echo a | xargs -I% echo {{x}}",
    "python -c 'print({{x}})'", "python3.11 -c \"print('{{x}}')\"", "python3 -Ic {{x}}", "perl -ne '{{x}}' f",
    "node -e '{{x}}'", "node --eval='{{x}}'", "ruby -e{{x}}", "sudo -u bob sh -c {{x}}", "su bob -c {{x}}",
    "find . -exec sh -c 'echo {{x}}' \\;", "timeout 5 bash -c {{x}}", "env -S {{x}}", "watch 'ls {{x}}'",
    "trap 'echo {{x}}' EXIT", "sed 's/a/{{x}}/' f", "sed -i -e {{x}} f", "sed -e 1p -e {{x}} f", "make T={{x}}",
    "let n={{x}}", "export {{x}}", "readonly {{x}}", "printf -v {{x}} a", "[ -v {{x}} ]", "read {{x}}",
    "sh {{x}} {{x}}", "bash -{{x}}", "{{x}} -c {{x}}", '"$SHELL" -c {{x}}', "$PYTHON -c {{x}}", "$(echo {{x}})",
    "$(echo {{x}}) a", "sudo $(echo {{x}})", "sh $(echo {{x}})", 'eval "$(echo {{x}})"', "alias a={{x}}; a",
    # The same, found in other places
    "X=1 eval {{x}}", ">f eval {{x}}", "2>f eval {{x}}", "{fd}>f eval {{x}}", 'ev"al" {{x}}', "e\\val {{x}}",
    "ev\\\nal {{x}}", "if eval {{x}}; then :; fi", "true && eval {{x}}", "true |\n eval {{x}}", "! eval {{x}}",
    "{ eval {{x}}; }", "f() { eval {{x}}; }", "function f { eval {{x}}; }", "echo $(eval {{x}})", "(eval {{x}})",
    "case a in a) eval {{x}};; esac", "while eval {{x}}; do :; done", "a &>f eval {{x}}", "sh &>f -c {{x}}",
    "command eval {{x}}", "builtin eval {{x}}", "/usr/bin/awk {{x}}", "'awk' {{x}}", "echo a; # it's\neval {{x}}",
    # What runs its input
    "bash <<EOF\n{{x}}\nEOF\n", "sh -s a <<EOF\n{{x}}\nEOF\n", "bash -o pipefail <<EOF\n{{x}}\nEOF\n",
    "ssh host <<EOF\n{{x}}\nEOF\n", "python3 - a <<EOF\n{{x}}\nEOF\n", "cat <<EOF | sh\n{{x}}\nEOF\n", "sh <<< {{x}}",
    "<<< {{x}} sh", "echo {{x}} | sh", "echo {{x}} |\n  sh", "printf %s {{x}} | tee f | bash -x", "(echo {{x}}) | sh",
    "{ echo {{x}}; } | sh", "for i in 1; do echo {{x}}; done | sh", "sudo sh <<EOF\n{{x}}\nEOF\n",
    # What cannot be read for certain
    "echo {{x}} 'open", 'echo {{x}} "open', "echo {{x}} `open", "echo {{x}} $(open", "cat <<EOF\n{{x}}\n",
    "echo $'\\'' {{x}}", "echo \"${X:-it's}\" {{x}}", "cat <<EOF\nEO\\\nF\n{{x}}\nEOF\n", "cat <$\\\n(echo) {{x}}",
    "cat <\\\n<EOF\n{{x}}\nEOF\n", "echo $(case a in a) echo {{x}};; esac)", "echo $((echo) ; (echo {{x}}))",
    "cat <<$X\n{{x}}\n$X\n", "echo $(cat <<EOF) {{x}}\nEOF\n", "cat <<EOF 'a\nb' {{x}}\nEOF\n",
    "$(" * 40 + "{{x}}" + ")" * 40, "${ echo {{x}}; }",
]  # fmt: skip
ACCEPTED = [
    "echo {{x}}", "./process.sh {{x}}", "sh run.sh {{x}}", "bash ./run.sh -c {{x}}", "python app.py -c {{x}}",
    "sh {{x}}", "echo '{{x}}' | jq '.users'", "./validate.sh '{{x}}' > /tmp/{{x}}.json",
    "curl -s 'http://h/?q={{x}}' | jq .a", "sed -n 5p {{x}}", "sed -e 1p {{x}}", "tar czf {{x}}.tgz -C {{x}} .",
    'pg_dump "{{x}}" > {{x}}',
    "grep -c {{x}} f", "while read line; do echo \"$line\" {{x}}; done < {{x}}",
    "docker ps --format '{{.Names}}' {{x}}",
    "env A={{x}} cmd", "IFS=$'\\n'; echo {{x}}", "echo {{x}} > f &", "f() { echo {{x}}; }; f {{x}}", "local a={{x}}",
    "ls $(dirname {{x}})", "echo $(( (1 + 2) * 3 )) {{x}}", "echo ${X:-y} ${#X} $# $$ {{x}}", "cat f | sh; echo {{x}}",
    "sudo cp {{x}} /tmp", "echo {{x}} 2>&1 | tee -a {{x}}", "test -f {{x}} && [ {{x}} = a ]",
    "psql -c 'select 1' {{x}}",
    "exec {{x}}", "case {{x}} in sh|bash) echo {{x}};; esac", "echo awk {{x}}", "command -v {{x}}", "echo eval {{x}}",
]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_it_is_refused_at_save_and_at_run_time(command: str) -> None:
    issues = [issue for issue in check_shell(command) if not issue.warning]
    assert issues
    assert all(issue.cure == 'Pass it through `env:` and read "$NAME" inside.' for issue in issues)
    with pytest.raises(BindError, match=r"`env:`"):
        bind_shell(command, NAMES)


@pytest.mark.parametrize("command", ACCEPTED)
def test_ordinary_commands_are_accepted(command: str) -> None:
    assert [issue for issue in check_shell(command) if not issue.warning] == []
    assert "{{x}}" not in bind_shell(command, NAMES).command


@pytest.mark.parametrize("command", [command.replace("{{x}}", "$V") for command in REFUSED])
def test_commands_without_references_are_left_alone(command: str) -> None:
    assert check_shell(command) == [] or "${" in command
    assert bind_shell(command, NAMES).command == command
    assert bind_shell(command, NAMES).env == {}


def test_the_message_names_the_reference_and_the_reason() -> None:
    [issue] = check_shell("echo {{y}}; eval {{ x }}")
    assert issue.message == "`{{ x }}` would become part of what eval evaluates."
    [issue] = check_shell("echo $(( {{x}} ))")
    assert issue.message == "`{{x}}` stands inside arithmetic, where it would not stay one literal word."


def test_a_bare_unknown_name_in_capitals_is_the_shells() -> None:
    assert bind_shell("echo ${HOME} ${PATH:-x}", NAMES).command == "echo ${HOME} ${PATH:-x}"
    assert bind_shell("echo ${NAME}", NAMES).command == 'echo "$HW_1"'
    [issue] = check_shell("echo $((${COUNT}+1))")
    assert issue.warning
    assert "left to the shell" in issue.message
    assert check_shell("echo ${NAME}", known={"NAME"}) == []
    for missing in ("echo {{HOME}}", "echo ${home}", "echo ${HOME.x}"):
        with pytest.raises(MissingName):
            bind_shell(missing, NAMES)
    assert bind_shell("echo $${home} {{{{x}}", NAMES).command == "echo ${home} {{x}}"


def test_equal_values_share_a_variable_whose_name_is_free() -> None:
    bound = bind_shell("echo $HW_1 {{x}} '{{x}}' {{NAME}}", NAMES)
    assert sorted(bound.env.values()) == ["5", "mine"]
    assert "HW_1" not in bound.env
    assert bound.command.startswith("echo $HW_1 ")


def test_raw_is_spliced_with_a_warning() -> None:
    names = Names(inputs={"x": "a b", "y": "it's"})
    assert bind_shell("echo {{x | raw}} {{y}}", names).command == 'echo a b "$HW_1"'
    [issue] = check_shell("echo {{x | raw}} {{y}}")
    assert issue.warning
    with pytest.raises(BindError):
        bind_shell("echo {{y | raw}} {{x}}", names)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\0b", "NUL"),
        ("\ud800", "half a character"),
        ("x" * (100 * 1024 + 1), r"larger than 100 KiB. Pass it through the argument `stdin`"),
        ("é" * (51 * 1024), r"larger than 100 KiB. .*`stdin`"),
    ],
)
def test_values_no_variable_can_hold_are_refused(value: str, message: str) -> None:
    with pytest.raises(BindError, match=message):
        bind_shell("echo '{{x}}'", Names(inputs={"x": value}))
    with pytest.raises(BindError, match=message):
        bind_argv(["echo", "{{x}}"], Names(inputs={"x": value}))


def test_too_much_together_is_refused_too() -> None:
    names = Names(inputs={f"v{n}": f"{n}" + "x" * 102_000 for n in range(6)})
    with pytest.raises(BindError, match="512 KiB together"):
        bind_shell(" ".join(f"{{{{v{n}}}}}" for n in range(6)), names)


def test_a_command_with_nul_is_refused() -> None:
    assert check_shell("echo \0 {{x}}")
    with pytest.raises(BindError, match="NUL"):
        bind_shell("echo \0 {{x}}", NAMES)


def test_what_is_safe_but_doubtful_is_warned_about() -> None:
    assert [issue.warning for issue in check_shell("{{x}} a")] == [True]
    assert "printf" in check_shell('printf "{{x}}\\n"')[0].message


def test_arguments_without_a_shell_are_plain_texts() -> None:
    bound = bind_argv(["printf", "%s", "{{x}} $(y) {{NAME}}", 5, None, True], NAMES)
    assert bound.argv == ["printf", "%s", "5 $(y) mine", "5", "", "true"]
    assert bound.env == {}


def test_a_script_among_the_arguments_is_bound_as_a_command() -> None:
    bound = bind_argv(["/bin/bash", "-euc", "echo '{{x}}' \"$1\"", "sh", "plain"], NAMES)
    assert bound.argv == ["/bin/bash", "-euc", "echo ''\"$HW_1\"'' \"$1\"", "sh", "plain"]
    assert bound.env == {"HW_1": "5"}


@pytest.mark.parametrize(
    "argv",
    [
        ["python3", "-c", "print({{x}})"], ["ssh", "host", "{{x}}"], ["awk", "{{x}}"], ["env", "sh", "-c", "{{x}}"],
        ["bash", "-c", "eval {{x}}"], ["{{x}}", "-c", "{{x}}"], ["sh", "-{{x}}"], ["echo", ["{{x}}"]],
    ],
)  # fmt: skip
def test_code_among_the_arguments_is_refused(argv: list[object]) -> None:
    assert [issue for issue in check_argv(argv) if not issue.warning]
    with pytest.raises(BindError):
        bind_argv(argv, NAMES)
