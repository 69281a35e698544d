"""What the two sleeping tools share."""

from __future__ import annotations

from datetime import datetime

from highway_automation.base import clock
from highway_automation.base.safe_json import JSON
from runs_app.tools.base import Park, ToolContext


def sleep_until(until: datetime) -> JSON | Park:
    """Park until then; the result at once if the time has passed."""
    state = {"slept_until": until.isoformat()}
    return Park(until, state) if until > clock.now() else state


def resume(state: JSON, context: ToolContext) -> JSON | Park:
    """The result, or back to sleep when something woke the step before its time."""
    return sleep_until(datetime.fromisoformat(state["slept_until"]))
