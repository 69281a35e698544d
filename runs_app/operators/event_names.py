"""The names of events: what the operators that emit and await them share."""

from __future__ import annotations

from highway_automation.base import safe_json
from runs_app.operators.base import Step, Task
from runs_app.outcomes import Failed

LONGEST = 255


def event_name(task: Task, step: Step) -> str | Failed:
    """The name with its references resolved. Raises MissingName."""
    name = step.resolve(task["event_name"])
    if not isinstance(name, str | int | float) or isinstance(name, bool):
        return Failed(f"event_name must be a text, not {safe_json.dumps(name)[:100]}.", permanent=True)
    text = str(name).strip()
    if not 0 < len(text) <= LONGEST or safe_json.UNSTORABLE.search(text):
        return Failed(f"event_name must have 1 to {LONGEST} characters without NUL.", permanent=True)
    return text
