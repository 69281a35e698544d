"""Who is alive."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta

from django.conf import settings

from highway_automation.base import clock
from runs_app.models import Worker

DEAD_AFTER = timedelta(hours=1)


def new_worker_id() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def heartbeat(worker_id: str, *, kind: str, busy: int = 0, capacity: int = 0, lag: float = 0.0) -> None:
    """Say that this process (kind `worker` or `scheduler`) lives; `lag` in seconds."""
    at = clock.lease_now()
    values = {"heartbeat_at": at, "busy": busy, "capacity": capacity, "lag": lag}
    if not Worker.objects.filter(pk=worker_id).update(**values):
        host, pid = socket.gethostname(), os.getpid()
        Worker.objects.create(worker_id=worker_id, kind=kind, host=host, pid=pid, started_at=at, **values)


def anybody_alive() -> bool:
    """Whether a worker or scheduler sent a heartbeat within a lease."""
    since = clock.lease_now() - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS)
    return Worker.objects.filter(heartbeat_at__gte=since).exists()


def forget_worker(worker_id: str) -> None:
    """The process ends in good order."""
    Worker.objects.filter(pk=worker_id).delete()


def forget_dead_workers() -> int:
    """Remove the rows of processes that have been silent for an hour; how many."""
    return Worker.objects.filter(heartbeat_at__lt=clock.lease_now() - DEAD_AFTER).delete()[0]
