"""The three parts of the product as threads of one process. A part runs until it is told to stop, or it died."""

from __future__ import annotations

import logging
import socket
import threading
from abc import ABC, abstractmethod
from typing import Any

import celery.worker.state
from celery import Celery, beat, signals
from celery.worker import WorkController
from waitress import create_server, wasyncore

log = logging.getLogger(__name__)


class Part(ABC):
    """Started once; to run it again a new one is made. `ready` is set as soon as it does its work."""

    name = ""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self.stopping.set()

    @property
    def alive(self) -> bool:
        return self.thread.is_alive()

    def _run(self) -> None:
        try:
            self.work()
        except Exception:
            log.exception("The %s died.", self.name)

    @abstractmethod
    def work(self) -> None: ...


class Web(Part):
    """Waitress on a socket that its owner keeps bound, so that a restarted part serves the same address."""

    name = "web"

    def __init__(self, application: Any, listener: socket.socket, threads: int = 8) -> None:
        super().__init__()
        self.application, self.listener, self.threads = application, listener, threads

    def work(self) -> None:
        sockets: dict[int, Any] = {}
        server = create_server(self.application, map=sockets, sockets=[self.listener.dup()], threads=self.threads)
        self.ready.set()
        try:
            while not self.stopping.is_set():
                wasyncore.loop(timeout=1.0, use_poll=True, map=sockets, count=1)
        finally:
            server.close()


class Worker(Part):
    """A Celery worker with a pool of threads. Its engine follows Celery's signals: ready, shutting down, shut down; the
    last of them ends the running steps or, after their grace, puts them back.
    """

    name = "worker"

    def __init__(self, app: Celery, queues: list[str], threads: int) -> None:
        super().__init__()
        self.app, self.queues, self.threads = app, queues, threads

    def work(self) -> None:
        celery.worker.state.should_stop = None
        Controller(
            self.ready,
            app=self.app,
            pool="threads",
            concurrency=self.threads,
            queues=self.queues,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        ).start()

    def stop(self) -> None:
        super().stop()
        signals.worker_shutting_down.send(sender=self.name, sig="SIGTERM", how="Warm", exitcode=0)
        celery.worker.state.should_stop = 0  # type: ignore[assignment]


class Controller(WorkController):
    """Celery's `apps.worker.Worker` without what only a process of its own may do: signal handlers, banner, logging."""

    def __init__(self, ready: threading.Event, **options: Any) -> None:
        self.consumer_ready = ready
        super().__init__(**options)

    def on_consumer_ready(self, consumer: Any) -> None:
        signals.worker_ready.send(sender=consumer)
        self.consumer_ready.set()


class Scheduler(Part):
    """Celery beat with the scheduler of the settings, in a thread as `celery worker --beat` runs it."""

    name = "scheduler"

    def __init__(self, app: Celery) -> None:
        super().__init__()
        self.service = beat.Service(app, max_interval=1, scheduler_cls=app.conf.beat_scheduler)

    def work(self) -> None:
        self.service.scheduler  # noqa: B018  (built on first access: it reads the database)
        self.ready.set()
        self.service.start()

    def stop(self) -> None:
        super().stop()
        self.service.stop()
