from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from runs_app import sandbox
from runs_app.models import StepLog, StepRun
from runs_app.tools import ToolError
from tenants_app.actions import set_variable
from tenants_app.models import Tenant
from tests.conftest import workflow

from .context import Log, call, context, gone, in_thread, new_marker

CODE = "tools.code.exec"


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine on which neither bubblewrap nor namespaces work."""
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox.available.cache_clear()
    yield
    sandbox.available.cache_clear()


@pytest.fixture(params=["bwrap", "unshare"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / request.param).symlink_to(shutil.which(request.param) or "missing")
    monkeypatch.setenv("PATH", str(programs))
    sandbox.available.cache_clear()
    assert sandbox.available() == request.param
    yield request.param
    sandbox.available.cache_clear()


def result(code: str, **arguments: Any) -> Any:
    return call(CODE, code=code, **arguments)["result"]


def refused(code: str, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(CODE, code=code, **arguments)
    return caught.value


def test_the_variable_result_is_the_result() -> None:
    output = call(CODE, code="print('out')\nresult = {'n': [1, 2.5, None, 'é']}")
    assert output == {"stdout": "out\n", "stderr": "", "result": {"n": [1, 2.5, None, "é"]}, "success": True}


def test_a_result_line_is_the_result_and_stays_in_the_output() -> None:
    code = "print('__HIGHWAY_RESULT__:[0]')\nprint('__HIGHWAY_RESULT__:{\"ok\": 1}')"
    output = call(CODE, code=f"{code}\nresult = object()")
    assert output["result"] == {"ok": 1}
    assert output["stdout"].endswith('__HIGHWAY_RESULT__:{"ok": 1}\n')


def test_code_without_a_result_has_none() -> None:
    assert result("pass") is None


def test_an_exception_fails_the_step_with_its_line() -> None:
    error = refused("print('before')\n\n1 / 0")
    assert error.message == "tools.code.exec: ZeroDivisionError: division by zero (line 3)"
    assert not error.permanent
    assert error.output["stdout"] == "before\n" and not error.output["success"]
    assert error.output["stderr"].startswith('Traceback (most recent call last):\n  File "/tmp/code.py", line 3')


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = (", "SyntaxError: '(' was never closed"),
        ("result = {1, 2}", "its result cannot be written as JSON (set:"),
        ("result = float('nan')", "its result cannot be written as JSON (float:"),
        ("print('__HIGHWAY_RESULT__:{oops')", "the line __HIGHWAY_RESULT__:… cannot be read: Not JSON"),
        ("result = 'x' * 300_000", "its result has 300,002 bytes; at most"),
    ],
)
def test_what_no_retry_can_mend_is_permanent(code: str, said: str) -> None:
    error = refused(code)
    assert error.permanent
    assert said in error.message


@pytest.mark.parametrize(
    ("ending", "said"), [("sys.exit(3)", "it ended itself with 3 (line 2)"), ("os._exit(4)", "ended with exit code 4")]
)
def test_code_that_ends_itself_with_a_code_fails(ending: str, said: str) -> None:
    assert said in refused(f"import os, sys\n{ending}").message


def test_a_good_exit_is_no_failure() -> None:
    assert result("import sys\nresult = 5\nsys.exit(0)") == 5


def test_a_missing_code_and_an_unknown_argument_are_named() -> None:
    assert refused("").message == "tools.code.exec: code is missing; give it a value."
    assert "tmeout is not an argument of this tool; did you mean timeout?" in refused("1", tmeout=1).message


def test_output_streams_into_the_log_while_it_runs() -> None:
    log, done = Log("early"), context()
    done.log = log
    ended: list[str] = []

    def run() -> None:
        with pytest.raises(ToolError) as caught:
            call(CODE, done, code="import time\nprint('early')\ntime.sleep(60)")
        ended.append(caught.value.message)

    thread = in_thread(run)
    assert log.reached.wait(20)
    assert thread.is_alive()
    done.cancel()
    thread.join(10)
    assert ended == ["tools.code.exec: cancelled; it was killed."]


def test_a_long_output_is_cut_in_the_middle() -> None:
    output = call(CODE, code="print('a' * 400_000)\nprint('end')\nresult = 'kept'")
    assert output["truncated"] and output["stdout"].endswith("end\n") and output["result"] == "kept"


def test_time_ends_it_with_all_it_started(kind: str) -> None:
    marker = new_marker()
    code = f"import subprocess, time\nsubprocess.Popen(['setsid', 'sleep', '{marker}'])\ntime.sleep(60)"
    error = refused(code, timeout=1)
    assert error.message == "tools.code.exec: killed after 1 s; give it a longer timeout."
    assert gone(marker)


def test_nothing_that_it_leaves_running_survives(kind: str) -> None:
    marker = new_marker()
    assert result(f"import subprocess\nsubprocess.Popen(['setsid', 'sleep', '{marker}'])\nresult = 1") == 1
    assert gone(marker)


def test_threads_processes_and_pools_are_ordinary(kind: str) -> None:
    code = """
import multiprocessing, subprocess, threading
def square(x):
    return x * x
threads = [threading.Thread(target=print, args=(n,)) for n in range(100)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with multiprocessing.Pool(2) as pool:
    result = [pool.map(square, [1, 2, 3]), subprocess.check_output(["echo", "hi"], text=True)]
"""
    assert result(code) == [[1, 4, 9], "hi\n"]


LOOK = """
import os
def look(path):
    try:
        return str(os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(50))
    except OSError as error:
        return error.strerror
result = {path: look(path) for path in PATHS}
"""


def test_the_machine_is_out_of_sight(kind: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIDDEN", "of the worker")
    hidden = [
        "/etc/shadow",
        "/etc/passwd",
        "/run",
        "/var",
        "/home",
        "/sys",
        "/dev/mem",
        str(settings.BASE_DIR / "manage.py"),
    ]
    closed = ["/proc/1/environ", "/proc/1/mem", "/proc/1/root"]
    seen = result(f"PATHS = {hidden + closed!r}{LOOK}")
    assert {seen[path] for path in hidden} == {"No such file or directory"}
    assert {seen[path] for path in closed} == {"Permission denied"}
    assert result("import os\nresult = dict(os.environ)").keys() <= {"PATH", "LANG", "HOME", "PWD"}


def test_the_product_s_folder_is_covered_where_a_sandbox_would_show_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", "/usr/share/doc")
    assert result(f"PATHS = ['/usr/share/doc', '/usr/share']{LOOK}")["/usr/share/doc"] == "[]"
    assert "Read-only" in refused("open('/usr/share/doc/x', 'w')").message


def test_there_is_no_network(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "OSError" in refused(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5)"
        ).message.replace("ConnectionRefusedError", "OSError")


def test_only_its_own_temporary_folder_can_be_written(kind: str) -> None:
    code = """
result = {}
for path in ["/usr/x", "/x", "/etc/x", "/dev/x", "/proc/self/oom_score_adj", "/tmp/x", "here"]:
    try:
        open(path, "w").write("0")
        result[path] = "written"
    except OSError as error:
        result[path] = error.strerror
"""
    written = result(code)
    assert [path for path, how in written.items() if how == "written"] == ["/tmp/x", "here"]
    assert not Path("/usr/x").exists()


def test_dangerous_calls_are_refused(kind: str) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def error(answer):
    return os.strerror(ctypes.get_errno()) if answer == -1 else "allowed"
result = [error(libc.unshare(0x10000000)), error(libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)),
          error(libc.ptrace(16, 1, 0, 0)), error(libc.shmget(0, 4096, 0o1600))]
"""
    assert result(code) == ["Operation not permitted"] * 4


def test_sockets_that_reach_past_namespaces_are_refused(kind: str) -> None:
    """vsock talks to the host of a virtual machine, whatever the network namespace."""
    code = """
import errno, os, socket
def error(family, kind=socket.SOCK_STREAM):
    try:
        socket.socket(family, kind).close()
        return "made"
    except OSError as error:
        return errno.errorcode[error.errno]
with open("x", "w") as file:
    file.write("calls after a socket are as before")
families = [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 40, 38, 31, 2**31 - 1]
result = [error(family) for family in families] + [error(16, socket.SOCK_RAW)]
os.close(os.dup(1))
"""
    assert result(code) == ["made"] * 3 + ["EAFNOSUPPORT"] * 4 + ["made"]


LIMITS = [
    ("import os, time\nfor n in range(300):\n    if not os.fork():\n        time.sleep(60)\ntime.sleep(60)",
     "It had more than 256 processes and threads at once."),
    ("for n in range(100_000):\n    open(f'f{n}', 'w').close()\n", "It made more than 50,000 files."),
    ("import os, time\nfor n in range(6):\n    if not os.fork():\n        x = bytearray(100 * 1024**2)\n"
     "        time.sleep(60)\ntime.sleep(60)", "It used more than 256 MiB of memory."),
    ("bytearray(10**9)", "MemoryError"),
    ("for n in range(9):\n    open(f'f{n}', 'wb').write(bytes(50 * 1024**2))", "No space left on device"),
    ("open('big', 'wb').truncate(10**10)", "File too large"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said"), LIMITS)
def test_what_it_may_use_is_bounded(settings: Settings, code: str, said: str) -> None:
    settings.HIGHWAY_CODE_MEMORY_MB = 256
    assert said in refused(code).message


def test_it_cannot_end_or_stop_its_guard(kind: str) -> None:
    code = "import os, time\nfor signal in (9, 15, 19):\n    os.kill(1, signal)\ntime.sleep(0.3)\nresult = os.getppid()"
    assert result(code) == 1


def test_without_a_sandbox_it_refuses_naming_the_install_line(no_sandbox: None) -> None:
    error = refused("result = 1")
    assert error.permanent
    assert "apt-get install -y bubblewrap" in error.message and "HIGHWAY_ALLOW_UNSANDBOXED_CODE=1" in error.message


def test_without_a_sandbox_an_operator_may_allow_it(no_sandbox: None, settings: Settings) -> None:
    settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE = True
    output = call(CODE, code="import os\nprint(os.getcwd())\nresult = 'SECRET' in os.environ")
    assert output["result"] is False
    assert not Path(output["stdout"].strip()).exists()
    assert "line 1" in refused("1 / 0").message
    assert "killed after 1 s" in refused("import time\ntime.sleep(60)", timeout=1).message


@pytest.mark.django_db
def test_a_secret_in_code_is_stored_nowhere(tenant: Tenant, run: Callable[..., Any]) -> None:
    secret = "7-pä'ss\\\"wörd\n+more"
    set_variable(tenant, "KEY", secret, secret=True)
    code = "a, b = {{secrets.KEY}}, '{{secrets.KEY}}'\nprint(a, [b])\nraise ValueError(a if a == b else 0)"
    task = {"task_id": "a", "operator_type": "task", "function": CODE, "dependencies": [], "args": [code]}
    ended = run(workflow(task))
    assert "ValueError: ****** (line 3)" in ended.error
    stored = [StepRun.objects.for_tenant(tenant).values_list("input", "output", "error"), ended.error]
    stored += StepLog.objects.for_tenant(tenant).values_list("text")
    assert str(stored).count("******") >= 6 and not any(part in str(stored) for part in ("'ss", "rd\\n", "+more"))
