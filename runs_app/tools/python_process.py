"""One piece of Python for a step, in a process of its own: shut in for code from outside, plain for the operator's."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app import sandbox
from runs_app.tools import fitting, process
from runs_app.tools.base import ToolContext, ToolError

PROGRAM = Path(__file__).resolve().parent.parent / "confined" / "run.py"
MOST_TASKS = 256
MEGABYTE = 1024 * 1024
LIMITS = {"RLIMIT_CORE": 0, "RLIMIT_NPROC": 4096}
INSIDE = {"RLIMIT_FSIZE": sandbox.TMP_BYTES, "RLIMIT_NOFILE": 1024, "RLIMIT_MSGQUEUE": 0, "RLIMIT_MEMLOCK": MEGABYTE}
CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}  # noqa: S108
UNPROTECTED = "HIGHWAY_ALLOW_UNSANDBOXED_CODE=1 lets code run with all rights of the worker instead."


@dataclass(frozen=True)
class Outcome:
    """`told` is what the program answered: `ok`, and `value`, `none`, `unfit` or `error` with `permanent`."""

    ended: process.Ended
    told: Mapping[str, Any]


def shut_in(tool: str, request: dict[str, JSON], archive: bytes, seconds: float, context: ToolContext) -> Outcome:
    """Run code that is not the operator's: in a sandbox, without network, files or environment.

    Raises:
        ToolError: no sandbox works here and the setting does not allow to do without, or it did not end by itself.
    """
    memory = settings.HIGHWAY_CODE_MEMORY_MB * MEGABYTE
    limits = {**INSIDE, "RLIMIT_DATA": memory}
    asked = {**request, "paths": sandbox.packages(), "limits": limits, "tasks": MOST_TASKS, "memory": memory}
    if sandbox.available() is None:
        if not settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE:
            raise ToolError(f"{tool}: {sandbox.MISSING} {UNPROTECTED}", permanent=True)
        return _run(tool, {**asked, "sandboxed": False}, archive, seconds, context, environment={})
    interpreter, readonly = sandbox.python()
    argv = sandbox.command(
        [interpreter, "-I", "-B", "-X", "utf8", str(PROGRAM)],
        network=False,
        readonly=[*readonly, PROGRAM.parent],
        workdir=None,
    )
    stdin = _packed({**asked, "sandboxed": True}, archive)
    room = int(settings.HIGHWAY_STEP_OUTPUT_BYTES) * 2
    job = process.Job(argv, CLEAN, "/", seconds, stdin, LIMITS, namespace=False, answer=room)
    return _checked(tool, process.run(job, context), seconds, context)


def trusted(tool: str, request: dict[str, JSON], seconds: float, context: ToolContext) -> Outcome:
    """Run a function of the operator's own, with the worker's environment and import path. Raises as `shut_in`."""
    asked = {**request, "paths": sys.path, "limits": {}, "sandboxed": False}
    return _run(tool, asked, b"", seconds, context, environment=dict(os.environ))


def _run(
    tool: str,
    request: dict[str, JSON],
    archive: bytes,
    seconds: float,
    context: ToolContext,
    environment: Mapping[str, str],
) -> Outcome:
    argv = [sys.executable, "-I", "-B", "-X", "utf8", str(PROGRAM)]
    with tempfile.TemporaryDirectory(prefix="highway-", ignore_cleanup_errors=True) as folder:
        env = environment or {**CLEAN, "HOME": folder}
        room = int(settings.HIGHWAY_STEP_OUTPUT_BYTES) * 2
        job = process.Job(argv, env, folder, seconds, _packed(request, archive), process.LIMITS, answer=room)
        return _checked(tool, process.run(job, context), seconds, context)


def _packed(request: dict[str, JSON], archive: bytes) -> bytes:
    return safe_json.dumps(request).encode() + b"\n" + archive


def _checked(tool: str, ended: process.Ended, seconds: float, context: ToolContext) -> Outcome:
    """What it told, or why it told nothing."""
    if ended.timed_out:
        raise ToolError(f"{tool}: killed after {seconds:g} s; give it a longer timeout.", output=_output(ended))
    if context.cancelled.is_set():
        raise ToolError(f"{tool}: cancelled; it was killed.", output=_output(ended))
    told = _told(ended.answer)
    if told is None or (told.get("ok") and ended.returncode):
        said = str(process.printed(ended)["stderr"]).strip()[-300:]
        raise ToolError(
            f"{tool}: it ended with exit code {ended.returncode} and no answer{': ' + said if said else '.'}",
            output=_output(ended),
        )
    if not told["ok"]:
        raise ToolError(f"{tool}: {told['error']}", permanent=bool(told.get("permanent")), output=_output(ended))
    return Outcome(ended, told)


def _output(ended: process.Ended) -> dict[str, JSON]:
    return {**process.printed(ended), "result": None, "success": False}


def _told(answer: bytes) -> dict[str, Any] | None:
    """The last line that is an answer."""
    for line in reversed(answer.splitlines()):
        try:
            told = safe_json.clean(json.loads(line))
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and isinstance(told.get("ok"), bool):
            return told if told["ok"] else {"error": "it failed", **told}
    return None


def value_of(tool: str, outcome: Outcome) -> JSON:
    """The value it gave, None for none. Raises ToolError: it is nothing that JSON holds, or too much."""
    told = outcome.told
    if "unfit" in told:
        raise ToolError(
            f"{tool}: its result cannot be written as JSON ({told['unfit']}); give plain data.", permanent=True
        )
    size, most = safe_json.size(told.get("value")), fitting.budget()
    if size > most:
        raise ToolError(f"{tool}: its result has {size:,} bytes; at most {most:,} can be stored.", permanent=True)
    return told.get("value")
