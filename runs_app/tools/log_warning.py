"""tools.log.warning"""

from __future__ import annotations

from runs_app.tools.log_line import log_tool

TOOL = log_tool("warning")
