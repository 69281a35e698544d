"""tools.python.run: call one function, of the operator's own modules or of an uploaded archive."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from highway_automation.base.errors import NotFound
from highway_automation.base.safe_json import JSON
from runs_app import artifacts
from runs_app.tools import python_process
from runs_app.tools.arguments import Given, time_limit
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError

NAME = "tools.python.run"
OWN = ("function", "args", "kwargs", "artifact_id", "timeout")
SECONDS = 300.0


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """function ("module:function" or "module.function"), args, kwargs, artifact_id, timeout → what it returns.

    Other arguments are handed to the function by their names. A first parameter called `ctx` or `context` gets what is
    known about the step. Without an artifact the function must be on the operator's list, HIGHWAY_PYTHON_FUNCTIONS, and
    runs with the worker's rights; one of an artifact runs in a sandbox as tools.code.exec does.
    """
    given = Given(NAME, {name: value for name, value in arguments.items() if name in OWN}, OWN)
    function = spelled(given.text("function", given.required("function")))
    if ":" not in function:
        raise given.refusal("function", f'must look like "module:function", not {function!r}')
    kwargs = {**given.mapping("kwargs"), **{name: value for name, value in arguments.items() if name not in OWN}}
    seconds = time_limit(given.seconds("timeout"), context, SECONDS)
    request = {"function": function, "args": _list(given), "kwargs": kwargs, "context": _known(context)}
    if "artifact_id" in given:
        archive = _archive(given.text("artifact_id"), context)
        outcome = python_process.shut_in(NAME, {**request, "django": False, "own": False}, archive, seconds, context)
    else:
        own = not _listed(function)
        outcome = python_process.trusted(NAME, {**request, "django": True, "own": own}, seconds, context)
    return python_process.value_of(NAME, outcome)


def spelled(function: str) -> str:
    """`module:function`, also where a dot stands for the colon."""
    module, _, name = function.rpartition(".")
    return function if ":" in function or not module else f"{module}:{name}"


def _listed(function: str) -> bool:
    """Whether the list names it itself; else a pattern such as `module:*` does, which means the module's own functions
    and not what it imports: `module:os.system` is no function of the operator's. Raises ToolError: neither does.
    """
    patterns = [spelled(pattern.strip()) for pattern in settings.HIGHWAY_PYTHON_FUNCTIONS]
    fitting = [pattern for pattern in patterns if fnmatch.fnmatchcase(function, pattern)]
    if not fitting:
        raise ToolError(
            f"{NAME}: {function} is not among the functions that this installation lets workflows call. "
            f'Its operator adds it to HIGHWAY_PYTHON_FUNCTIONS, as "{function}" or "{function.partition(":")[0]}:*".',
            permanent=True,
        )
    return function in fitting


def _archive(artifact_id: str, context: ToolContext) -> bytes:
    try:
        return artifacts.content(context.tenant_id, artifact_id)
    except NotFound:
        raise ToolError(
            f"{NAME}: there is no artifact {artifact_id[:80]!r}; upload it to /api/v1/artifacts.", permanent=True
        ) from None


def _list(given: Given) -> list[Any]:
    found = given.value("args", [])
    if not isinstance(found, list):
        raise given.refusal("args", f"must be a list, not {found!r}")
    return found


def _known(context: ToolContext) -> Mapping[str, JSON]:
    return {
        "workflow_run_id": str(context.run_id),
        "workflow_name": context.workflow_name,
        "tenant_id": context.tenant_id,
        "step": context.path,
        "step_key": context.step_key,
        "attempt": context.attempt,
        "inputs": dict(context.inputs),
    }


TOOL = Tool(NAME, run, positional=("function",), rest="args")
