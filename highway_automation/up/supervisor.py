"""Keeps the parts running until the process is told to end, and then ends them all in bounded time."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from highway_automation.up.parent import Parent
from highway_automation.up.parts import Part

PartFactory = Callable[[], Part]
READY_SECONDS = 60.0
RESTARTS, RESTART_WINDOW_SECONDS = 5, 60.0
STOP_SECONDS = 14.0
LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Supervisor:
    """`run` returns 0 after SIGINT or SIGTERM, 1 when a part could not be kept running or would not end."""

    def __init__(self, factories: Sequence[PartFactory]) -> None:
        self.factories = list(factories)
        self.parent = Parent()
        self.parts: list[Part] = []
        self.stop_asked = threading.Event()
        self.deaths: deque[float] = deque(maxlen=RESTARTS)

    def run(self, on_ready: Callable[[], None]) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop_asked.set())
        self.parts = [self._started(factory) for factory in self.factories]
        held = self._wait_ready()
        if held and not self.stop_asked.is_set():
            on_ready()
            held = self._watch()
        return 0 if self._stop() and held else 1

    def _started(self, factory: PartFactory) -> Part:
        part = factory()
        part.start()
        return part

    def _wait_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while not self.stop_asked.is_set() and not all(part.ready.is_set() for part in self.parts):
            late = [part.name for part in self.parts if not part.ready.is_set()]
            if time.monotonic() > deadline or not all(part.alive for part in self.parts):
                log.error("Not ready: %s.", ", ".join(late))
                return False
            self.stop_asked.wait(0.05)
        return True

    def _watch(self) -> bool:
        """Restart what died, until told to stop. False when parts die faster than restarting helps."""
        while not (self.stop_asked.wait(LOOK_SECONDS) or self.parent.is_interrupted()):
            for index, part in enumerate(self.parts):
                if part.alive:
                    continue
                if self._dies_too_often():
                    log.error("The %s died again; giving up.", part.name)
                    return False
                log.error("The %s ended unexpectedly; starting it again.", part.name)
                self.parts[index] = self._started(self.factories[index])
        return True

    def _dies_too_often(self) -> bool:
        moment = time.monotonic()
        self.deaths.append(moment)
        return len(self.deaths) == RESTARTS and moment - self.deaths[0] < RESTART_WINDOW_SECONDS

    def _stop(self) -> bool:
        """Everything told to stop at once; whether all ended in time. The worker gives running steps their grace."""
        deadline = time.monotonic() + STOP_SECONDS
        for part in reversed(self.parts):
            part.stop()
        for part in self.parts:
            part.thread.join(max(0.0, deadline - time.monotonic()))
        stuck = [part.name for part in self.parts if part.alive]
        if stuck:
            log.error("Still busy after %.0f s: %s.", STOP_SECONDS, ", ".join(stuck))
        return not stuck
