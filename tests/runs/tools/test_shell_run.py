from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from runs_app.tools import ToolContext, ToolError, process

from .context import RUN_ID, Log, call, context, gone, in_thread, new_marker

SHELL = "tools.shell.run"


@pytest.fixture(params=["namespace", "subreaper"])
def isolation(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """Both ways of holding a command's processes together."""
    settings.HIGHWAY_PID_NAMESPACE = request.param == "namespace"
    process.namespaces.cache_clear()
    yield request.param
    process.namespaces.cache_clear()


def refused(**arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(SHELL, **arguments)
    return caught.value


def test_a_command_gives_its_output_and_exit_code(isolation: str) -> None:
    assert call(SHELL, command="echo out; echo err >&2") == {"stdout": "out\n", "stderr": "err\n", "returncode": 0}


def test_argv_runs_a_program_without_a_shell() -> None:
    assert call(SHELL, argv=["printf", "%s|", "$HOME", "a b", 3])["stdout"] == "$HOME|a b|3|"


def test_a_failing_command_fails_the_step_and_keeps_its_output() -> None:
    error = refused(command="echo half; echo 'no such host' >&2; exit 3")
    assert error.message == "tools.shell.run: the command ended with exit code 3: no such host"
    assert error.output == {"stdout": "half\n", "stderr": "no such host\n", "returncode": 3}
    assert not error.permanent


@pytest.mark.parametrize(
    ("check", "read_by_the_definition"), [("auto", True), (None, True), (False, False), ("false", False)]
)
def test_an_exit_code_that_is_read_is_data(check: Any, read_by_the_definition: bool) -> None:
    output = call(SHELL, context(check_auto=read_by_the_definition), command="exit 7", check=check)
    assert output["returncode"] == 7


def test_check_true_fails_even_when_the_code_is_read() -> None:
    with pytest.raises(ToolError):
        call(SHELL, context(check_auto=True), command="false", check=True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"argv": ["no-such-program"]}, 127), ({"argv": ["/etc/passwd"]}, 126), ({"command": "kill -9 $$"}, 137)],
)
def test_codes_are_those_a_shell_reports(isolation: str, arguments: dict[str, Any], code: int) -> None:
    assert call(SHELL, check=False, **arguments)["returncode"] == code


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHWAY_SECRET_KEY", "do not tell")
    names = {line.partition("=")[0] for line in call(SHELL, argv=["env"], env={"REGION": "eu"})["stdout"].splitlines()}
    assert names == {
        "PATH", "HOME", "LANG", "REGION", "HIGHWAY_RUN_ID", "HIGHWAY_STEP_PATH", "HIGHWAY_STEP_KEY", "HIGHWAY_ATTEMPT",
        "HIGHWAY_WORK_DIR",
    }  # fmt: skip


def test_a_command_knows_its_step() -> None:
    output = call(
        SHELL,
        context(attempt=2),
        command='echo "$HIGHWAY_RUN_ID $HIGHWAY_STEP_PATH $HIGHWAY_ATTEMPT $HIGHWAY_STEP_KEY"',
    )
    assert output["stdout"] == f"{RUN_ID} backup 2 {RUN_ID}:backup\n"


def test_home_is_a_folder_of_its_own_that_goes_with_the_command() -> None:
    home = call(SHELL, command='touch "$HOME/left"; cd; pwd')["stdout"].strip()
    assert home and home != os.path.expanduser("~")
    assert not Path(home).exists()


def test_cwd(tmp_path: Path) -> None:
    assert call(SHELL, command="pwd", cwd=str(tmp_path))["stdout"].strip() == str(tmp_path)
    missing = refused(command="pwd", cwd=str(tmp_path / "missing"))
    assert missing.permanent and "cwd" in missing.message and "existing folder" in missing.message


def test_a_relative_cwd_lies_in_the_run_s_own_folder(tmp_path: Path, settings: Settings) -> None:
    settings.HIGHWAY_WORK_DIR = str(tmp_path)
    call(SHELL, command="echo kept > note", cwd=".")
    assert call(SHELL, command='cat "$HIGHWAY_WORK_DIR/note"; pwd', cwd="deep/er")["stdout"].endswith("/deep/er\n")
    assert call(SHELL, command="cat ../../note", cwd="deep/er")["stdout"] == "kept\n"
    assert (tmp_path / "acme" / str(RUN_ID) / "note").read_text() == "kept\n"
    assert "inside of the run's folder" in refused(command="pwd", cwd="../other").message


def test_the_run_s_folder_is_made_for_those_who_name_it(tmp_path: Path, settings: Settings) -> None:
    settings.HIGHWAY_WORK_DIR = str(tmp_path / "work")
    call(SHELL, command="true")
    assert not (tmp_path / "work").exists()
    call(SHELL, command='echo x > "$HIGHWAY_WORK_DIR/x"')
    assert (tmp_path / "work" / "acme" / str(RUN_ID) / "x").exists()


def test_stdin_is_empty_unless_given() -> None:
    assert call(SHELL, command="wc -c")["stdout"].strip() == "0"
    assert call(SHELL, command="cat", stdin="äöü\n")["stdout"] == "äöü\n"
    assert json.loads(call(SHELL, command="cat", stdin={"rows": [1, 2]})["stdout"]) == {"rows": [1, 2]}


def test_a_long_stdin_passes_whole_and_may_be_ignored() -> None:
    long = "x" * 3_000_000
    assert call(SHELL, command="wc -c", stdin=long)["stdout"].strip() == "3000000"
    assert call(SHELL, command="exec <&-; echo done", stdin=long)["stdout"] == "done\n"


def test_output_that_no_database_stores_is_mended() -> None:
    output = call(SHELL, command=r"printf 'a\000b\377c'; head -c 20000 /dev/urandom >&2")
    assert output["stdout"] == "a�b�c"
    assert "\0" not in output["stderr"]


def test_a_flood_is_cut_and_says_so(settings: Settings) -> None:
    settings.HIGHWAY_STEP_OUTPUT_BYTES = 10_000
    output = call(SHELL, command="echo first; yes | head -c 50000000; echo last; yes '\"' | head -c 50000000 >&2")
    assert output["truncated"] is True
    assert output["stdout"].startswith("first\n") and output["stdout"].endswith("last\n")
    assert "truncated: 50,000,011 bytes in all" in output["stdout"]
    assert len(json.dumps(output, ensure_ascii=False).encode()) <= 10_000


def test_a_flood_of_bytes_that_swell_as_json_stays_within_the_limit(settings: Settings) -> None:
    settings.HIGHWAY_STEP_OUTPUT_BYTES = 10_000
    output = call(SHELL, command=r"head -c 9000 /dev/zero | tr '\000' '\001'")
    assert output["truncated"] is True
    assert len(json.dumps(output).encode()) <= 10_000


def test_output_is_streamed_while_the_command_runs() -> None:
    log = Log("halfway")
    step = context(log=log)
    thread = in_thread(lambda: refused_in(step, command="echo halfway; sleep 60"))
    assert log.reached.wait(10)
    step.cancel()
    thread.join(10)
    assert not thread.is_alive()


def refused_in(step: ToolContext, **arguments: Any) -> None:
    with pytest.raises(ToolError):
        call(SHELL, step, **arguments)


def test_a_timeout_kills_the_whole_tree(isolation: str) -> None:
    marker = new_marker()
    error = refused(command=f"setsid sh -c 'sleep 600; : {marker}' & echo begun; sleep 600; : {marker}", timeout="1.5")
    assert "killed after 1.5 s" in error.message and "timeout" in error.message
    assert error.output["stdout"] == "begun\n"
    assert gone(marker)


def test_the_steps_own_limit_holds_too() -> None:
    with pytest.raises(ToolError, match=r"killed after 0\.2 s"):
        call(SHELL, context(timeout=0.2), command="sleep 600", timeout="1h")


def test_cancel_kills_the_whole_tree(isolation: str) -> None:
    marker = new_marker()
    log = Log("ready")
    step = context(log=log)
    daemon = f"(setsid setsid sh -c 'trap \"\" TERM HUP; echo ready; sleep 600; : {marker}' &)"
    errors: list[ToolError] = []

    def run() -> None:
        with pytest.raises(ToolError) as caught:
            call(SHELL, step, command=f"trap '' TERM; {daemon}; sleep 600")
        errors.append(caught.value)

    thread = in_thread(run)
    assert log.reached.wait(10)
    step.cancel()
    thread.join(10)
    assert "cancelled" in errors[0].message
    assert gone(marker)


WORKER = """
import sys
import django
django.setup()
from django.conf import settings
from tests.runs.tools.context import call, context
settings.HIGHWAY_PID_NAMESPACE = sys.argv[1] == "namespace"
call("tools.shell.run", context(log=lambda text: print(text, flush=True)), command=sys.argv[2])
"""


def test_a_killed_worker_takes_its_commands_along(isolation: str, tmp_path: Path) -> None:
    marker = new_marker()
    command = f"(setsid sh -c 'echo ready; sleep 600; : {marker}' &); sleep 600"
    environment = {**os.environ, "HIGHWAY_DEBUG": "1", "VAR_DIR": str(tmp_path)}
    argv = [sys.executable, "-c", WORKER, isolation, command]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout
        told = worker.stdout.readline()
        worker.kill()
    assert told == b"ready\n"
    assert gone(marker)


def test_a_step_cancelled_before_it_starts_is_killed_at_once() -> None:
    step = context()
    step.cancel()
    with pytest.raises(ToolError, match="cancelled"):
        call(SHELL, step, command="sleep 600")


def test_what_a_command_leaves_behind_ends_with_it(isolation: str) -> None:
    marker = new_marker()
    output = call(SHELL, command=f"setsid sh -c 'sleep 600; : {marker}' & echo started")
    assert output["stdout"] == "started\n"
    assert gone(marker)


def test_closed_pipes_do_not_hide_a_running_command() -> None:
    assert "killed after" in refused(command="exec >&- 2>&-; sleep 600", timeout=0.3).message


def test_in_a_namespace_other_processes_are_out_of_sight(isolation: str) -> None:
    if isolation == "namespace" and process.namespaces():
        assert call(SHELL, command=f"test -e /proc/{os.getpid()}/environ", check=False)["returncode"] == 1


@pytest.mark.parametrize(
    ("arguments", "named", "cure"),
    [
        ({}, "command", "must be given"),
        ({"command": "ls", "argv": ["ls"]}, "command", "only one"),
        ({"command": ""}, "command", "missing"),
        ({"argv": "ls -l"}, "argv", '["ls", "-l"]'),
        ({"argv": ["echo", {"a": 1}]}, "argv[1]", "a text"),
        ({"command": "ls", "timout": 5}, "timout", "did you mean timeout?"),
        ({"command": "ls", "timeout": "soon"}, "timeout", "2d"),
        ({"command": "ls", "timeout": 0}, "timeout", "longer than zero"),
        ({"command": "ls", "env": {"A-B": "1"}}, "env.A-B", "letters"),
        ({"command": "ls", "env": {"A": ["1"]}}, "env.A", "a text"),
        ({"command": "ls", "env": "A=1"}, "env", '{"NAME": "value"}'),
        ({"command": "ls", "check": "maybe"}, "check", "true or false"),
        ({"command": "echo " + "x" * 120_000}, "command", "stdin"),
        ({"argv": ["echo", "a\0b"]}, "argv[1]", "stdin"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], named: str, cure: str) -> None:
    error = refused(**arguments)
    assert error.permanent
    assert error.message.startswith(f"tools.shell.run: {named} ")
    assert cure in error.message
