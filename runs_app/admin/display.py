"""How values look on the pages of this room."""

from __future__ import annotations

import json
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from highway_automation.base.safe_json import JSON

LABELS = {
    "completed": "success",
    "succeeded": "success",
    "running": "info",
    "sleeping": "warning",
    "pending": "info",
    "failed": "danger",
    "cancelled": "warning",
    "skipped": "warning",
}
"""Status → the colour of its badge."""


def duration(start: datetime | None, end: datetime | None) -> str:
    """`1.2 s`, `3 min 5 s`, `2 d 4 h`; a dash while there is no start."""
    if start is None or end is None:
        return "–"
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def pretty(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def block(value: JSON) -> SafeString:
    """JSON on a page, with its indentation; a dash where there is none."""
    if value in (None, {}):
        return SafeString("–")
    return format_html('<pre class="hw-json">{}</pre>', pretty(value))


def link(page: str, pk: object, text: object) -> SafeString:
    """`page` is an admin URL name, such as `runs_app_workflowrun_change`."""
    return format_html('<a class="text-primary-600" href="{}">{}</a>', reverse(f"admin:{page}", args=[pk]), text)
