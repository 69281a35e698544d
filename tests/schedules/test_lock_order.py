"""A run that fails just when a scheduler wants to cancel it: neither waits for the other in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from highway_automation.base.db import atomic, lock_rows
from runs_app.actions.cancel import end_run
from runs_app.models import WorkflowRun
from runs_app.statuses import RunStatus
from schedules_app.actions import fire_due
from schedules_app.models import FailureStreak, ScheduledWorkflow
from tenants_app.models import OutboxMail, User
from tests.schedules.conftest import ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
BOUND_SECONDS = 20


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_run_does_not_wait_for_its_schedule(make: Make, at: At, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(overlap="cancel_other", pause_after_failures=1, owner=alice)
    at("2026-11-23T10:01:00")
    fire_due()
    run = WorkflowRun.objects.all_tenants().get()
    at("2026-11-23T10:02:00")
    scheduler = threading.Thread(target=look)

    with atomic():
        lock_rows(WorkflowRun.objects.all_tenants().filter(pk=run.pk)).get()
        scheduler.start()
        wait_until(somebody_waits_for_a_lock)
        end_run(run, RunStatus.FAILED, "disk full")
    scheduler.join(BOUND_SECONDS)

    assert not scheduler.is_alive()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "disk full")
    assert FailureStreak.objects.all_tenants().get().in_a_row == 1
    assert OutboxMail.objects.all_tenants().filter(kind="schedule_failed").count() == 1
    assert [outcome for _, outcome in ledger(schedule)] == ["submitted", "submitted"]

    at("2026-11-23T10:03:00")
    fire_due()
    schedule.refresh_from_db()
    assert not schedule.enabled and schedule.pause_note == "Paused after 1 failure in a row."


def look() -> None:
    try:
        fire_due()
    finally:
        connection.close()


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.02)
