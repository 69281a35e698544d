"""What the tools.log.* share: a line in the step's log, and the same as the step's result."""

from __future__ import annotations

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Tool, ToolContext


def log_tool(level: str) -> Tool:
    """The tool tools.log.<level>: message (a text, or any value, which is written as JSON) → {message, level}."""
    name = f"tools.log.{level}"

    def run(arguments: Arguments, context: ToolContext) -> JSON:
        message = Given(name, arguments, ("message",)).value("message", "")
        text = safe_json.clean(message if isinstance(message, str) else safe_json.dumps(safe_json.clean(message)))
        context.log(f"{level.upper()} {text}\n")
        return {"message": text, "level": level}

    return Tool(name, run, positional=("message",))
