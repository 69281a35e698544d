"""Hearing at once what another session did, where the database can tell (PostgreSQL's LISTEN and NOTIFY)."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from highway_automation.base.db import is_postgres, release, start_over

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
PROBE_SECONDS = 60.0
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}

log = logging.getLogger(__name__)


def start_listening(channel: str, heard: Callable[[], object]) -> Listener | None:
    """Call `heard` after each notification (several may count as one), and after each connecting, since what happened
    before went unheard. None where the database cannot notify: there somebody has to look.
    """
    return Listener(channel, heard) if is_postgres() else None


class Listener:
    """A thread with a connection of its own, outside the pool: between notifications it sleeps in the kernel.

    Whatever fails, the connection or `heard`, it starts over after a pause, which grows while it keeps failing.
    """

    def __init__(self, channel: str, heard: Callable[[], object]) -> None:
        self.channel, self.heard = channel, heard
        self.failures = 0
        self.stopping = threading.Event()
        self.bell, self.ear = socket.socketpair()
        self.thread = threading.Thread(target=self._run, name=f"listen {channel}", daemon=True)
        self.thread.start()

    @property
    def alive(self) -> bool:
        return self.thread.is_alive() and not self.stopping.is_set()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.bell.close()  # the other end becomes readable

    def join(self, seconds: float) -> None:
        self.thread.join(seconds)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                with contextlib.closing(self._connect()) as session:
                    self._listen(session)
            except Exception as error:
                self._failed(error)
            finally:
                release()
        self.ear.close()

    def _connect(self) -> Any:
        import psycopg

        named = {"application_name": f"highway listen {self.channel}"}
        session = psycopg.connect(**KEEPALIVES | connection.get_connection_params() | named, autocommit=True)
        session.execute(f'LISTEN "{self.channel}"'.encode())
        return session

    def _listen(self, session: Any) -> None:
        while not self.stopping.is_set():
            self.heard()
            release()
            self._recovered()
            self._wait(session)

    def _wait(self, session: Any) -> None:
        """Until something was notified or it is time to end. After long silence asks whether the session is alive."""
        poll = select.poll()
        poll.register(session.fileno(), select.POLLIN)
        poll.register(self.ear, select.POLLIN)
        while not list(session.notifies(timeout=0)) and not self.stopping.is_set():
            if not poll.poll(PROBE_SECONDS * 1000):
                session.execute(b"SELECT 1")

    def _failed(self, error: Exception) -> None:
        lost = isinstance(error, DatabaseError | InterfaceError) or type(error).__module__.startswith("psycopg")
        if not self.failures:
            log.warning("Not listening on %s for now: %s", self.channel, error, exc_info=not lost)
        self.failures += 1
        if lost:
            with contextlib.suppress(Exception):  # closing what is broken may fail in any way
                start_over()
        self.stopping.wait(min(SHORTEST_PAUSE * 2 ** (self.failures - 1), LONGEST_PAUSE))

    def _recovered(self) -> None:
        if self.failures:
            log.warning("Listening on %s again after %s failure(s).", self.channel, self.failures)
        self.failures = 0
