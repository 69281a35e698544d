"""A fixed number of threads that keep their database connection while there is work, and give it back when idle."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

J = TypeVar("J")
IDLE_SECONDS = 5.0


class Threads(Generic[J]):
    """Calls `work(job)` for each job, `rest()` in a thread that has had nothing to do for a while.

    They are daemons: a thread that hangs in a tool must not keep its process from ending.
    """

    def __init__(self, count: int, work: Callable[[J], None], rest: Callable[[], None]) -> None:
        self._work, self._rest = work, rest
        self._jobs: queue.SimpleQueue[J | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._loop, name=f"drive-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def put(self, job: J) -> None:
        self._jobs.put(job)

    def stop(self) -> None:
        """Let every thread end after the job it is at."""
        for _ in self._threads:
            self._jobs.put(None)

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._work(job)
        self._rest()

    def _next(self) -> J | None:
        try:
            return self._jobs.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            self._rest()
            return self._jobs.get()
