"""Workflow definitions written in Python.

A program imports from `highway_dsl`, whose builders it may use as they are; `task(…)` and `WorkflowBuilder.add(…)` come
with it. A program is code: the operator's own runs in a process of its own, anybody else's only inside a sandbox.
"""

from __future__ import annotations

import json
import subprocess  # noqa: S404
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from highway_automation.base import safe_json
from highway_automation.base.errors import BadRequest
from highway_automation.base.safe_json import JSON
from runs_app import sandbox

__all__ = ["compile_all", "compile_source"]

PROGRAM = Path(__file__).resolve().parent / "program.py"
CONFINED = PROGRAM.parent.parent / "confined"
SANDBOXED_SECONDS = 20
TRUSTED_SECONDS = 120
MEGABYTE = 1024 * 1024
MAX_SOURCE = MEGABYTE
MAX_RESULT = 4 * MEGABYTE
LIMITS = {
    "RLIMIT_CPU": 10,
    "RLIMIT_AS": 1024 * MEGABYTE,
    "RLIMIT_FSIZE": 16 * MEGABYTE,
    "RLIMIT_NOFILE": 128,
    "RLIMIT_NPROC": 64,
    "RLIMIT_CORE": 0,
}


def compile_source(source: str, filename: str, *, trusted: bool) -> JSON:
    """The definition that a program builds: its `workflow`, what its get_workflow() returns, or the only one it has.

    `trusted` source runs with the operator's own rights (import from the operator's files). Any other runs in a sandbox
    without network, files, environment or time.

    Raises:
        BadRequest: with the line, what went wrong in the program; or that no sandbox works here, and the cure.
    """
    found = _compile(source, filename, trusted)
    if found["chosen"] is None:
        names = ", ".join(str(workflow.get("name")) for workflow in found["workflows"])
        raise BadRequest(f'{filename} builds several workflows ({names}); assign the one you mean to "workflow".')
    return found["workflows"][found["chosen"]]


def compile_all(source: str, filename: str, *, trusted: bool) -> list[JSON]:
    """Every definition that a program holds in its module, in order. Raises BadRequest as `compile_source` does."""
    return list(_compile(source, filename, trusted)["workflows"])


def _compile(source: str, filename: str, trusted: bool) -> Any:
    data = source.encode("utf-8", "surrogatepass")
    if len(data) > MAX_SOURCE:
        raise BadRequest(f"{filename} is longer than {MAX_SOURCE // MEGABYTE} MiB.")
    with tempfile.TemporaryDirectory(prefix="highway-dsl-") as workdir, tempfile.TemporaryFile() as answer:
        run = _run_trusted if trusted else _run_sandboxed
        complaint = run(data, filename, Path(workdir), answer)
        answer.seek(0)
        result = _answer(answer.read(MAX_RESULT + 1), complaint, filename)
    if "error" in result:
        where = filename if result.get("line") is None else f"{filename}, line {result['line']}"
        raise BadRequest(f"{where}: {result['error']}")
    return result


def _run_trusted(data: bytes, filename: str, workdir: Path, answer: IO[bytes]) -> str:
    folder = Path(filename).resolve().parent
    options = {
        "filename": filename,
        "paths": [str(folder)] if Path(filename).is_file() else [],
        "limits": {},
        "alone": False,
    }
    return _run([sys.executable, str(PROGRAM), json.dumps(options)], data, answer, TRUSTED_SECONDS, None)


def _run_sandboxed(data: bytes, filename: str, workdir: Path, answer: IO[bytes]) -> str:
    if sandbox.available() is None:
        raise BadRequest(f"Python source from outside only compiles in a sandbox. {sandbox.MISSING}")
    interpreter, readonly = sandbox.python()
    options = {"filename": filename, "paths": sandbox.packages(), "limits": LIMITS, "alone": True}
    argv = [interpreter, "-I", "-B", str(PROGRAM), json.dumps(options)]
    command = sandbox.command(argv, network=False, readonly=[*readonly, PROGRAM.parent, CONFINED], workdir=workdir)
    return _run(command, data, answer, SANDBOXED_SECONDS, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})


def _run(command: list[str], data: bytes, answer: IO[bytes], seconds: int, environment: dict[str, str] | None) -> str:
    """Runs it to its end; gives what it complained about on stderr, shortened."""
    with tempfile.TemporaryFile() as noise:
        try:
            done = subprocess.run(  # noqa: S603
                command, input=data, stdout=answer, stderr=noise, timeout=seconds, env=environment, check=False,
                start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"it did not end within {seconds} seconds"
        noise.seek(max(0, noise.seek(0, 2) - 500))
        last = noise.read().decode("utf-8", "replace").strip().splitlines()
        return f"it ended without an answer (exit code {done.returncode}): {last[-1] if last else 'no output'}"


def _answer(data: bytes, complaint: str, filename: str) -> Any:
    if len(data) > MAX_RESULT:
        raise BadRequest(f"{filename}: the definition is longer than {MAX_RESULT // MEGABYTE} MiB.")
    try:
        result = safe_json.parse(data)
    except safe_json.UnsafeJSON as error:
        raise BadRequest(f"{filename}: {error if data else complaint}") from None
    if not isinstance(result, dict) or not ("error" in result or result.get("workflows")):
        raise BadRequest(f"{filename}: {complaint}")
    return result
