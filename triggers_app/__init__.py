"""WHY: events, the triggers that wait for them, and what each event caused."""

from __future__ import annotations
