"""The scheduler process: celery beat whose loop also looks after our own tables.

Any number of them run at once; none leads. What one decides is a row that another cannot decide again. It also sends
the PeriodicTasks of django-celery-beat: housekeeping, and whatever a project adds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django_celery_beat.schedulers import DatabaseScheduler

import runs_app.actions
import schedules_app.actions
import tenants_app.actions
import triggers_app.actions
from highway_automation.base import clock, db
from runs_app.actions.workers import forget_worker, heartbeat, new_worker_id

LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.05
HEARTBEAT_SECONDS = 5.0
BEAT_SECONDS = 5.0
MAIL_SECONDS = 5.0
LONGEST_BACK_OFF = 5.0
DATABASE_ERRORS = (DatabaseError, InterfaceError)
log = logging.getLogger(__name__)


class Part:
    """One thing the loop does. When it fails the others go on; it is tried again with growing pauses."""

    def __init__(self, name: str, call: Callable[[], float]) -> None:
        self.name, self.call = name, call
        self.next_at = 0.0
        self.runs = self.failures = self.failures_in_a_row = 0
        self.last_error = ""

    def run_if_due(self) -> bool:
        """Whether it did not fail. Never raises. `call` returns the seconds until it wants to be called again."""
        if time.monotonic() < self.next_at:
            return True
        try:
            pause = self.call()
            self.runs += 1
            self._recovered()
        except Exception as error:
            pause = self._failed(error)
        self.next_at = time.monotonic() + pause
        return not self.failures_in_a_row

    def _recovered(self) -> None:
        if self.failures_in_a_row:
            log.warning("%s works again after %s failure(s).", self.name, self.failures_in_a_row)
        self.failures_in_a_row, self.last_error = 0, ""

    def _failed(self, error: Exception) -> float:
        self.failures += 1
        self.failures_in_a_row += 1
        self.last_error = f"{type(error).__name__}: {error}"
        expected = isinstance(error, DATABASE_ERRORS)
        log.warning("%s failed (%s in a row): %s", self.name, self.failures_in_a_row, error, exc_info=not expected)
        renew_connection()
        return float(min(0.25 * 2 ** min(self.failures_in_a_row, 10), LONGEST_BACK_OFF))


class HighwayScheduler(DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's scheduler with our due scan and sweeps in its loop; `tick` never raises."""

    producer = None  # a message goes out by the application's own pool: fails fast, never waits for a dead broker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.worker_id = new_worker_id()
        self.lag = 0.0
        self.next_due: datetime | None = None
        self.is_set_up = False
        self.parts = [
            Part("Firing schedules", self.fire_schedules),
            Part("The sweep of runs", lambda: seconds_until(runs_app.actions.sweep())),
            Part("The sweep of what was stopped", self.sweep_stopped),
            Part("The sweep of events", self.sweep_events),
            Part("The sweep of mail", self.sweep_mail),
            Part("The heartbeat", self.beat_heart),
            Part("Celery beat", self.beat),
        ]
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Do what is due; the seconds to sleep until something may be due again."""
        db.reconnect()
        for part in self.parts:
            if not part.run_if_due():
                break  # the others have their turn while this one waits: each may wait long for a lost database
        pause = min(part.next_at for part in self.parts) - time.monotonic()
        return min(max(pause, SHORTEST_SLEEP), LONGEST_SLEEP)

    def fire_schedules(self) -> float:
        expected = self.next_due
        self.next_due = schedules_app.actions.fire_due()
        if expected is not None and expected != self.next_due:
            self.lag = max((clock.now() - expected).total_seconds(), 0.0)
        return seconds_until(self.next_due)

    def sweep_stopped(self) -> float:
        return SHORTEST_SLEEP if runs_app.actions.cancel_stopped() else LONGEST_SLEEP

    def sweep_events(self) -> float:
        triggers_app.actions.sweep()
        return LONGEST_SLEEP

    def sweep_mail(self) -> float:
        tenants_app.actions.sweep_mail()
        return MAIL_SECONDS

    def beat_heart(self) -> float:
        heartbeat(self.worker_id, kind="scheduler", lag=self.lag)
        return HEARTBEAT_SECONDS

    # Celery beat's own part ------------------------------------------------------------------------------------------

    def setup_schedule(self) -> None:
        """Called at the start, when the database may be away: then the first good tick does it."""
        try:
            super().setup_schedule()
            self.is_set_up = True
        except DATABASE_ERRORS as error:
            log.warning("The periodic tasks cannot be read yet: %s", error)
            self.read_again()

    def install_default_entries(self, data: Any) -> None:
        """Celery's clean-up of results has nothing to do here: no results are stored."""

    def beat(self) -> float:
        """Send the PeriodicTasks that are due; real time, not the business clock."""
        if not self.is_set_up:
            self.setup_schedule()
        try:
            return min(max(float(super().tick()), 0.0), BEAT_SECONDS)
        except Exception:
            self.read_again()
            raise

    def read_again(self) -> None:
        """Forget the schedule that was read half; beat reads it whole at its next turn."""
        self._initial_read, self._heap, self._schedule = True, None, None
        renew_connection()

    def close(self) -> None:
        try:
            super().close()
            forget_worker(self.worker_id)
        except DATABASE_ERRORS as error:
            log.warning("The scheduler could not sign off: %s", error)


def seconds_until(moment: datetime | None) -> float:
    """How long to sleep for a moment of the business clock; at most a second, since tests move that clock."""
    if moment is None:
        return LONGEST_SLEEP
    return min(max((moment - clock.now()).total_seconds(), 0.0), LONGEST_SLEEP)


def renew_connection() -> None:
    """The next query opens a new connection, whatever state an error left this one in."""
    try:
        db.start_over()
    except Exception as error:  # closing what is broken may fail in any way; it is thrown away all the same
        log.warning("The connection could not be closed: %s", error)
        db.reconnect()
