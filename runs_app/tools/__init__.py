"""The tools that a step can call, one file each. The registry is literal: what is not here does not exist."""

from __future__ import annotations

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

__all__ = ["TOOLS", "Park", "Tool", "ToolContext", "ToolError"]
