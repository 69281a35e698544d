"""The verbs that wake parked branches; how they do it without losing a wake stands in the engine."""

from __future__ import annotations

from runs_app.engine.wake import Happened, is_waited_for, wake_branch, wake_for_events

__all__ = ["Happened", "is_waited_for", "wake_branch", "wake_for_events"]
