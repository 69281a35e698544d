"""The doorbell: a message after commit that says "look at the table". Losing it loses nothing but time."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction

WORK = "runs_app.tasks.work"
DISPATCH_EVENTS = "triggers_app.tasks.dispatch_events"
SEND_MAIL = "tenants_app.tasks.send_queued_mail"
MOST = {WORK: 8, DISPATCH_EVENTS: 1}
WINDOW_SECONDS = 0.05
SILENCE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Doorbell:
    """Rings once for a transaction, however often it was asked to."""

    def __init__(self, task: str, n: int) -> None:
        self.task, self.n = task, n
        self.__qualname__ = f"Doorbell({task})"  # read by Django's log of a failed robust callback

    def __call__(self) -> None:
        bell_of(self.task).ring(self.n)


class Bell:
    """All the ringing of one task in this process: a burst becomes a few messages and one after it."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.most = MOST.get(task, 1)
        self.lock = threading.Lock()
        self.window_ends = 0.0
        self.sent = 0
        self.trailing = False

    def ring(self, n: int) -> None:
        for _ in range(self._allowed(min(n, self.most))):
            if not broker.send(self.task):
                return

    def _allowed(self, wanted: int) -> int:
        with self.lock:
            if time.monotonic() >= self.window_ends:
                self.window_ends, self.sent = time.monotonic() + WINDOW_SECONDS, 0
            allowed = min(wanted, self.most - self.sent)
            self.sent += allowed
            if allowed < wanted and not self.trailing:
                self.trailing = True
                timer = threading.Timer(WINDOW_SECONDS, self._ring_after)
                timer.daemon = True
                timer.start()
            return allowed

    def _ring_after(self) -> None:
        with self.lock:
            self.trailing = False
        broker.send(self.task)


class Broker:
    """Keeps a dead broker from costing every caller a timeout: after a failure it stays silent for a while."""

    def __init__(self) -> None:
        self.silent_until = 0.0

    def send(self, task: str) -> bool:
        if time.monotonic() < self.silent_until:
            return False
        try:
            current_app.send_task(task, queue=queue_of(task), ignore_result=True, retry=False, expires=60)
        except Exception as error:  # whatever a broker client raises, the row is already safe
            self.silent_until = time.monotonic() + SILENCE_SECONDS
            log.warning("The broker does not answer (%s); the scheduler's sweep takes over.", error)
            return False
        return True


broker = Broker()
bells: dict[str, Bell] = {}


def bell_of(task: str) -> Bell:
    return bells.setdefault(task, Bell(task))


def queue_of(task: str) -> str:
    queue: str = settings.HIGHWAY_QUEUE if task == WORK else settings.HIGHWAY_CONTROL_QUEUE
    return queue


def ring(task: str, n: int = 1) -> None:
    """After commit, tell up to `n` (at most 8) listeners of `task` that rows are waiting. Never raises."""
    here = set(connection.savepoint_ids)
    waiting: list[Any] = list(connection.run_on_commit)  # (savepoint ids, callback, robust)
    for savepoints, callback, _robust in waiting:
        if isinstance(callback, Doorbell) and callback.task == task and savepoints == here:
            callback.n += n
            return
    transaction.on_commit(Doorbell(task, n), robust=True)
