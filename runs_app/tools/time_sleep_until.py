"""tools.time.sleep_until: the step sleeps until a moment, holding no thread."""

from __future__ import annotations

from datetime import UTC

from highway_automation.base.safe_json import JSON
from runs_app.dialect import durations
from runs_app.tools import sleeping
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Park, Tool, ToolContext

NAME = "tools.time.sleep_until"


def run(arguments: Arguments, context: ToolContext) -> JSON | Park:
    """timestamp (ISO 8601; UTC where it names no offset) → {slept_until}, at once when it has passed."""
    given = Given(NAME, arguments, ("timestamp", "until"))
    name = "until" if "until" in given and "timestamp" not in given else "timestamp"
    try:
        until = durations.moment(given.required(name)).astimezone(UTC)
    except ValueError as error:
        raise given.refusal(name, f"is wrong: {error}") from None
    return sleeping.sleep_until(until)


TOOL = Tool(NAME, run, positional=("timestamp",), resume=sleeping.resume)
