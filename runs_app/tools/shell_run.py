"""tools.shell.run: one command of the shell, or one program with its arguments."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import process, work_folder
from runs_app.tools.arguments import Given, time_limit
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError

NAME = "tools.shell.run"
KNOWN = ("command", "argv", "cwd", "env", "timeout", "stdin", "check")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST = 100 * 1024
"""Bytes of one argument or variable; the kernel refuses more than 128 KiB."""


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """command (for /bin/sh) or argv, cwd, env, timeout, stdin, check → {stdout, stderr, returncode}.

    The environment is clean: PATH, HOME (an empty folder that goes when the command ends), LANG, `env`, and the
    step's own HIGHWAY_RUN_ID, HIGHWAY_STEP_PATH, HIGHWAY_STEP_KEY, HIGHWAY_ATTEMPT. HIGHWAY_WORK_DIR names the run's
    folder for files that other steps take; it is made when the step names it, and a relative cwd lies in it. Whatever
    the command leaves running ends with it. Output beyond the limit is cut in the middle and marked `truncated: true`.
    """
    given = Given(NAME, arguments, KNOWN)
    argv, checked, seconds = _argv(given), given.checked(context), given.seconds("timeout")
    limit = time_limit(seconds, context)
    with tempfile.TemporaryDirectory(prefix="highway-", ignore_cleanup_errors=True) as home:
        job = process.Job(argv, _environment(given, context, home), _folder(given, context, home), limit, _stdin(given))
        ended = process.run(job, context)
    output = {**process.printed(ended), "returncode": ended.returncode}
    if ended.timed_out:
        raise ToolError(f"{NAME}: killed after {limit:g} s; give it a longer timeout.", output=output)
    if context.cancelled.is_set():
        raise ToolError(f"{NAME}: cancelled; the command was killed.", output=output)
    if ended.returncode and checked:
        raise ToolError(_complaint(output), output=output)
    return output


def _argv(given: Given) -> list[str]:
    command, argv = given.value("command"), given.value("argv")
    if (command is None) == (argv is None):
        raise given.refusal("command", "or argv must be given, and only one of them")
    if argv is None and not isinstance(command, list):
        return ["/bin/sh", "-c", _word(given, "command", given.required("command"))]
    words = command if argv is None else argv
    if not isinstance(words, list) or not words:
        raise given.refusal("argv", 'must be a list of texts such as ["ls", "-l"]')
    return [_word(given, f"argv[{number}]", word) for number, word in enumerate(words)]


def _word(given: Given, name: str, value: object) -> str:
    """A text that can be handed to a program: no NUL, not too long."""
    text = given.as_text(name, value)
    if "\0" in text:
        raise given.refusal(name, "holds a NUL character, which no command line can carry; pass it by stdin")
    if len(text.encode()) > LONGEST:
        raise given.refusal(name, "is longer than 100 KiB; pass it by stdin")
    return text


def _environment(given: Given, context: ToolContext, home: str) -> dict[str, str]:
    own = given.texts("env")
    for name, value in own.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise given.refusal(f"env.{name}", "is no variable name; use letters, digits and _")
        _word(given, f"env.{name}", value)
    return {
        "PATH": os.environ.get("PATH", DEFAULT_PATH),
        "HOME": home,
        "LANG": "C.UTF-8",
        **own,
        "HIGHWAY_RUN_ID": str(context.run_id),
        "HIGHWAY_STEP_PATH": context.path,
        "HIGHWAY_STEP_KEY": context.step_key,
        "HIGHWAY_ATTEMPT": str(context.attempt),
        work_folder.VARIABLE: str(work_folder.of(context)),
    }


def _folder(given: Given, context: ToolContext, home: str) -> str:
    """Where the command starts; the run's own folder is made if the step shows that it wants it."""
    cwd = given.text("cwd")
    if any(work_folder.VARIABLE in str(given.value(name)) for name in ("command", "argv", "env", "stdin")):
        work_folder.made(context)
    if not cwd or os.path.isabs(cwd):
        return cwd or home
    folder = Path(os.path.normpath(work_folder.made(context) / cwd))
    if not folder.is_relative_to(work_folder.of(context)):
        raise given.refusal("cwd", f"must be an absolute path, or one inside of the run's folder, not {cwd!r}")
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _stdin(given: Given) -> bytes:
    found = given.value("stdin", "")
    text = safe_json.dumps(found) if isinstance(found, dict | list) else given.as_text("stdin", found)
    return text.encode("utf-8", "replace")


def _complaint(output: dict[str, JSON]) -> str:
    said = str(output["stderr"] or output["stdout"]).strip()[-500:]
    return f"{NAME}: the command ended with exit code {output['returncode']}{': ' + said if said else '.'}"


TOOL = Tool(NAME, run, positional=("command",), bind={"command": "shell", "argv": "shell"})
