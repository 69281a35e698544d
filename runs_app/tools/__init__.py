"""The tools that a step can call, one file each. The registry is literal; `plugins` knows what packages add."""

from __future__ import annotations

from collections.abc import Mapping

from runs_app.tools import (
    approval_request,
    code_exec,
    email_send,
    http_request,
    log_error,
    log_info,
    log_warning,
    maintenance_cleanup,
    python_run,
    s3_get,
    s3_put,
    shell_run,
    time_sleep_for,
    time_sleep_until,
    workflow_execute,
)
from runs_app.tools.base import Park, Tool, ToolContext, ToolError
from runs_app.tools.plugins import installed

TOOLS: dict[str, Tool] = {
    "tools.approval.request": approval_request.TOOL,
    "tools.code.exec": code_exec.TOOL,
    "tools.email.send": email_send.TOOL,
    "tools.http.request": http_request.TOOL,
    "tools.maintenance.cleanup": maintenance_cleanup.TOOL,
    "tools.python.run": python_run.TOOL,
    "tools.s3.get": s3_get.TOOL,
    "tools.s3.put": s3_put.TOOL,
    "tools.shell.run": shell_run.TOOL,
    "tools.time.sleep_for": time_sleep_for.TOOL,
    "tools.time.sleep_until": time_sleep_until.TOOL,
    "tools.workflow.execute": workflow_execute.TOOL,
    "tools.log.info": log_info.TOOL,
    "tools.log.warning": log_warning.TOOL,
    "tools.log.error": log_error.TOOL,
}


def every_tool() -> dict[str, Tool]:
    """The built-in tools, and those that installed packages add."""
    return {**installed(frozenset(TOOLS)).tools, **TOOLS}


def find_tool(name: str) -> Tool | None:
    return TOOLS.get(name) or installed(frozenset(TOOLS)).tools.get(name)


def broken_tools() -> Mapping[str, str]:
    """Tools of installed packages that cannot be used, and why."""
    return installed(frozenset(TOOLS)).problems


__all__ = ["TOOLS", "Park", "Tool", "ToolContext", "ToolError", "broken_tools", "every_tool", "find_tool"]
