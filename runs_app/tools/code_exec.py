"""tools.code.exec: a piece of Python, alone in a sandbox."""

from __future__ import annotations

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import fitting, process, python_process
from runs_app.tools.arguments import Given, time_limit
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError

NAME = "tools.code.exec"
KNOWN = ("code", "timeout")
SECONDS = 30.0
MARK = "__HIGHWAY_RESULT__:"


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """code, timeout → {stdout, stderr, result, success}.

    The result is what the last line `__HIGHWAY_RESULT__:<json>` of stdout says, else what the code's variable `result`
    holds. An exception fails the step. There is no network, no file of the machine, no environment; the folder it
    starts in and /tmp are empty and go with it.
    """
    given = Given(NAME, arguments, KNOWN)
    code = given.as_text("code", given.required("code"))
    seconds = time_limit(given.seconds("timeout"), context, SECONDS)
    outcome = python_process.shut_in(NAME, {"code": code}, b"", seconds, context)
    marked, found = _marked(outcome.ended)
    result = found if marked else python_process.value_of(NAME, outcome)
    room = fitting.budget() - safe_json.size(result)
    return {**process.printed(outcome.ended, max(room, 512)), "result": result, "success": True}


def _marked(ended: process.Ended) -> tuple[bool, JSON]:
    """What the last result line of stdout says, if there is one."""
    for part in (
        (ended.stdout.tail, ended.stdout.head) if ended.stdout.cut else (ended.stdout.head + ended.stdout.tail,)
    ):
        lines = [line for line in part.decode("utf-8", "replace").splitlines() if line.startswith(MARK)]
        if lines:
            return True, _read(lines[-1].removeprefix(MARK))
    return False, None


def _read(text: str) -> JSON:
    try:
        return safe_json.parse(text)
    except safe_json.UnsafeJSON as error:
        raise ToolError(f"{NAME}: the line {MARK}… cannot be read: {error}", permanent=True) from None


TOOL = Tool(NAME, run, positional=("code",), bind={"code": "code"})
