"""The one clock. Nothing else in the product asks for the time of day; timeouts use `time.monotonic`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from highway_automation.base import db
from highway_automation.base.db.fenced import Moment


def now() -> datetime:
    """The business time (aware, UTC): what is due, when it happened. Tests move it for all processes at once."""
    return _standing.get() or db.statement_time() + offset()


_standing: ContextVar[datetime | None] = ContextVar("standing", default=None)


@contextmanager
def standing() -> Iterator[None]:
    """Within this block `now()` is when it began: a batch of rows has one time, and asks for it once."""
    token = _standing.set(now())
    try:
        yield
    finally:
        _standing.reset(token)


def lease_now() -> datetime:
    """Real time, for leases and heartbeats only: moving the business clock must not expire a lease."""
    return db.statement_time()


def moment(plus: timedelta = timedelta(0)) -> Moment:
    """`now() + plus` for a fenced write, which saves the round trip of asking first."""
    return Moment(offset() + plus)


def lease_moment(plus: timedelta = timedelta(0)) -> Moment:
    """`lease_now() + plus` for a fenced write."""
    return Moment(plus)


def offset() -> timedelta:
    """How far `HIGHWAY_CLOCK_OFFSET_FILE` moves the business clock; zero without it."""
    path = settings.HIGHWAY_CLOCK_OFFSET_FILE
    if not path:
        return timedelta(0)
    try:
        return timedelta(seconds=float(Path(path).read_text() or 0))
    except (FileNotFoundError, ValueError):
        return timedelta(0)


def host_skew() -> float:
    """Seconds by which this machine's clock is ahead of the database's."""
    return (datetime.now(UTC) - db.statement_time()).total_seconds()
