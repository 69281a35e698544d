"""tools.time.sleep_for: the step sleeps for a length of time, holding no thread."""

from __future__ import annotations

from datetime import UTC, timedelta

from highway_automation.base import clock
from highway_automation.base.safe_json import JSON
from runs_app.dialect import durations
from runs_app.tools import sleeping
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Park, Tool, ToolContext

NAME = "tools.time.sleep_for"


def run(arguments: Arguments, context: ToolContext) -> JSON | Park:
    """duration: seconds, "2d", "1h30m", "PT48H" → {slept_until}, once that time has come."""
    given = Given(NAME, arguments, ("duration", "seconds"))
    name = "duration" if "duration" in given else "seconds"
    try:
        length = durations.seconds(given.required(name if name in given else "duration"))
        until = clock.now().astimezone(UTC) + timedelta(seconds=length)
    except OverflowError:
        raise given.refusal(name, "reaches beyond the year 9999; write a shorter time") from None
    except ValueError as error:
        raise given.refusal(name, f"is wrong: {error}") from None
    return sleeping.sleep_until(until)


TOOL = Tool(NAME, run, positional=("duration",), resume=sleeping.resume)
