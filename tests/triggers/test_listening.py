"""Events inserted by SQL are heard by whoever listens, also across a lost connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from highway_automation.base.db.listen import Listener, start_listening
from tenants_app.models import Tenant
from tests.triggers.conftest import MakeTrigger, deliveries, runs
from triggers_app import notified
from triggers_app.actions import dispatch_events, emit_event

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

INSERT = "INSERT INTO events (tenant_id, type, payload) VALUES ('acme', 'order_placed', '{\"n\": 1}')"
WAIT_SECONDS = 10.0


class Heard:
    """Counts how often it was called; `until(n)` waits for the nth time."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = threading.Condition()
        self.then: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        self.then()
        with self.changed:
            self.count += 1
            self.changed.notify_all()

    def until(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.count >= count, WAIT_SECONDS)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def listener(db: None, heard: Heard) -> Iterator[Listener]:
    """One that has begun to listen."""
    listener = start_listening(notified.CHANNEL, heard)
    assert listener is not None
    assert heard.until(1)
    yield listener
    listener.stop()
    listener.join(WAIT_SECONDS)
    assert not listener.thread.is_alive()


@pytest.fixture
def psql(db: None) -> Iterator[psycopg.Connection[Any]]:
    """A session that knows nothing of the product."""
    known = connection.get_connection_params()
    with psycopg.connect(**{key: known[key] for key in ("dbname", "user", "host", "port") if key in known}) as session:
        yield session


def until(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_an_event_inserted_by_sql_starts_its_run(
    listener: Listener, heard: Heard, psql: psycopg.Connection[Any], tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger(filter_expression={"n": 1})
    heard.then = dispatch_events
    psql.execute(INSERT)
    psql.commit()

    assert until(lambda: runs(tenant))
    assert [delivery.outcome for delivery in deliveries(tenant)] == ["submitted"]


def test_only_events_that_wait_for_somebody_are_told_once_per_transaction(
    psql: psycopg.Connection[Any], tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    psql.execute("LISTEN highway_events")
    psql.commit()

    def told() -> list[str]:
        """Up to a notification of our own: they arrive in the order of their commits."""
        psql.execute("NOTIFY highway_events, 'end'")
        psql.commit()
        found: list[str] = []
        while "end" not in found:
            found += [it.payload for it in psql.notifies(timeout=WAIT_SECONDS, stop_after=1)]
        psql.commit()
        return found

    psql.execute(INSERT)
    psql.rollback()
    emit_event(tenant, "order_placed", {})
    psql.execute("INSERT INTO events (tenant_id, type, dispatched_at) VALUES ('acme', 'order_placed', now())")
    assert told() == ["end"]

    for _ in range(3):
        psql.execute(INSERT)
    assert told() == ["", "end"]
    make_trigger()
    emit_event(tenant, "order_placed", {})
    assert told() == ["", "end"]


def test_a_killed_session_is_replaced_and_nothing_is_missed(
    listener: Listener, heard: Heard, psql: psycopg.Connection[Any], tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger()
    heard.then = dispatch_events
    psql.execute(INSERT)
    kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s AND datname = %s"
    for _ in range(2):
        before = heard.count
        name = f"highway listen {notified.CHANNEL}"
        row = psql.execute(kill, [name, connection.settings_dict["NAME"]]).fetchone()
        assert row == (1,)
        psql.commit()
        assert heard.until(before + 1)
        psql.execute(INSERT)
        psql.commit()
    assert until(lambda: len(runs(tenant)) == 3)


def test_a_listener_that_fails_tries_again(
    listener: Listener, heard: Heard, psql: psycopg.Connection[Any], tenant: Tenant
) -> None:
    def fail_once() -> None:
        heard.then = lambda: None
        raise RuntimeError("not now")

    heard.then = fail_once
    psql.execute(INSERT)
    psql.commit()

    assert heard.until(2)
    assert until(lambda: not listener.failures)
