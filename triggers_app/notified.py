"""Each worker process hears of events as they are committed, also of those that SQL inserted, and dispatches them."""

from __future__ import annotations

import threading

from highway_automation.base.db.listen import Listener, start_listening
from triggers_app.actions import dispatch_events

CHANNEL = "highway_events"
JOIN_SECONDS = 3.0

_listener: Listener | None = None
_lock = threading.Lock()


def connect() -> None:
    """Follow the life of a Celery worker, if this process becomes one."""
    from celery import signals

    signals.worker_ready.connect(_on_ready, weak=False, dispatch_uid="triggers.worker_ready")
    signals.worker_shutting_down.connect(_on_stopping, weak=False, dispatch_uid="triggers.worker_stopping")
    signals.worker_shutdown.connect(_on_shutdown, weak=False, dispatch_uid="triggers.worker_shutdown")


def _on_ready(**kwargs: object) -> None:
    global _listener
    with _lock:
        if _listener is None or not _listener.alive:
            _listener = start_listening(CHANNEL, dispatch_events)


def _on_stopping(**kwargs: object) -> None:
    if _listener is not None:
        _listener.stop()


def _on_shutdown(**kwargs: object) -> None:
    _on_stopping()
    if _listener is not None:
        _listener.join(JOIN_SECONDS)
