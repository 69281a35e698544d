"""Schedulers as processes of their own, on a database that all of them write: nothing is decided twice or left out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from highway_automation.base import clock
from runs_app.models import Worker, WorkflowRun
from schedules_app.actions import fire_due
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from tests.layout import ROOT
from tests.together import at_once

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
MINUTES = 10
SCHEDULES = 20
LOOKING = 4
BOUND_SECONDS = 60


@pytest.mark.django_db(transaction=True)
def test_each_minute_is_decided_once_though_a_scheduler_dies(make: Make, at: At, tmp_path: Path) -> None:
    at("2026-11-23T10:00:30")
    schedules = [make(overlap="allow_all") for _ in range(SCHEDULES)]
    with scheduler(tmp_path) as first, scheduler(tmp_path):
        wait_until(lambda: Worker.objects.count() == 2)
        run_clock(minutes=MINUTES // 2)
        first.kill()
        with scheduler(tmp_path):
            run_clock(minutes=MINUTES - MINUTES // 2)
            wait_until(lambda: ticks_of(schedules[-1]) and all(len(ticks_of(one)) >= MINUTES for one in schedules))

    expected = {f"10:{minute:02}" for minute in range(1, MINUTES + 1)}
    for schedule in schedules:
        assert Counter(ticks_of(schedule)) == Counter(expected)
    submitted = ScheduleTick.objects.all_tenants().filter(outcome="submitted").values_list("workflow_run_id", flat=True)
    assert Counter(submitted) == Counter(WorkflowRun.objects.all_tenants().values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_schedulers_that_look_at_the_same_moment_start_each_run_once(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedules = [make(overlap="allow_all") for _ in range(SCHEDULES)]
    for minute in (1, 2, 3):
        at(f"2026-11-23T10:0{minute}:00")
        at_once(*[fire_due] * LOOKING)
        fire_due()

    for schedule in schedules:
        assert Counter(ticks_of(schedule)) == Counter(["10:01", "10:02", "10:03"])
    assert WorkflowRun.objects.all_tenants().count() == 3 * SCHEDULES


def ticks_of(schedule: ScheduledWorkflow) -> list[str]:
    rows = ScheduleTick.objects.all_tenants().filter(schedule=schedule)
    return [f"{slot:%H:%M}" for slot in rows.values_list("scheduled_for", flat=True) if slot.minute <= MINUTES]


@contextmanager
def scheduler(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "HIGHWAY_DEBUG": "1",
        "VAR_DIR": str(folder),
        "DATABASE_URL": database_url(),
        "BROKER_URL": "memory://",
        "HIGHWAY_CLOCK_OFFSET_FILE": settings.HIGHWAY_CLOCK_OFFSET_FILE,
    }
    command = [sys.executable, "-m", "tests.schedules.scheduler_process"]
    with (
        (folder / "scheduler.log").open("ab") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def database_url() -> str:
    """The test database, for another process."""
    found = connection.settings_dict
    if not found["HOST"]:
        return f"sqlite:///{found['NAME']}"
    account = f"{found['USER']}:{found['PASSWORD']}" if found["PASSWORD"] else found["USER"]
    return f"postgres://{account}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"


def run_clock(minutes: int) -> None:
    """Ten seconds pass in each tenth of a second."""
    for _ in range(minutes * 6):
        later = clock.offset() + timedelta(seconds=10)
        whole = Path(f"{settings.HIGHWAY_CLOCK_OFFSET_FILE}.new")
        whole.write_text(str(later.total_seconds()))
        whole.rename(settings.HIGHWAY_CLOCK_OFFSET_FILE)
        time.sleep(0.1)


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.1)
