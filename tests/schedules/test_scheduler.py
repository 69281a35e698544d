from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from highway_automation.celery import app
from highway_automation.scheduler import HighwayScheduler
from runs_app.models import RunBranch, Worker
from runs_app.statuses import BranchStatus
from schedules_app.models import ScheduledWorkflow
from tests.schedules.conftest import ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler() -> Iterator[HighwayScheduler]:
    made = HighwayScheduler(app=app)
    yield made
    made.close()


def tick_until(scheduler: HighwayScheduler, holds: Callable[[], Any], seconds: float = 20.0) -> float:
    """Tick as celery beat does until something holds; the longest sleep a tick asked for."""
    deadline, longest = time.monotonic() + seconds, 0.0
    while not holds():
        assert time.monotonic() < deadline, "It did not come true in time."
        pause = scheduler.tick()
        longest = max(longest, pause)
        time.sleep(min(pause, 0.05))
    return longest


def broken(scheduler: HighwayScheduler) -> set[str]:
    return {part.name for part in scheduler.parts if part.last_error}


def test_its_loop_fires_schedules_wakes_runs_and_says_that_it_lives(
    scheduler: HighwayScheduler, make: Make, at: At, drive: Callable[[], int]
) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    assert 0 < scheduler.tick() <= 1

    at("2026-11-23T10:01:00")
    tick_until(scheduler, lambda: ledger(schedule))
    RunBranch.objects.all_tenants().update(
        status=BranchStatus.SLEEPING, wake_at=datetime.fromisoformat("2026-11-23T10:01Z")
    )
    tick_until(scheduler, lambda: RunBranch.objects.all_tenants().filter(status=BranchStatus.READY).exists())

    worker = Worker.objects.get(kind="scheduler")
    assert worker.pk == scheduler.worker_id and worker.lag < 5
    scheduler.close()
    assert not Worker.objects.exists()


def test_each_second_of_six_fields_is_hit(scheduler: HighwayScheduler, make: Make) -> None:
    schedule = make(cron_expression="* * * * * *", overlap="allow_all")
    tick_until(scheduler, lambda: len(ledger(schedule)) >= 3)

    times = [datetime.fromisoformat(time) for time, _ in ledger(schedule)]
    assert {(later - time).total_seconds() for time, later in zip(times, times[1:], strict=False)} == {1.0}
    assert {outcome for _, outcome in ledger(schedule)} == {"submitted"}


def test_a_part_that_fails_stops_no_other_and_comes_back(scheduler: HighwayScheduler, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    rename("scheduled_workflows", "away")
    try:
        tick_until(scheduler, lambda: broken(scheduler) == {"Firing schedules"} and Worker.objects.exists())
        assert 0 < scheduler.tick() <= 1
    finally:
        rename("away", "scheduled_workflows")

    at("2026-11-23T10:01:00")
    tick_until(scheduler, lambda: ledger(schedule))
    assert broken(scheduler) == set()
    assert scheduler.parts[0].failures > 0


def test_celery_beats_own_tables_may_be_away_at_the_start(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    rename("django_celery_beat_periodictask", "away")
    try:
        scheduler = HighwayScheduler(app=app)
        at("2026-11-23T10:01:00")
        tick_until(scheduler, lambda: ledger(schedule) and broken(scheduler) == {"Celery beat"})
    finally:
        rename("away", "django_celery_beat_periodictask")
    tick_until(scheduler, lambda: not broken(scheduler))


def rename(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


@pytest.mark.parametrize("broker", ["amqp://127.0.0.1:1//", "redis://127.0.0.1:1/0"])
def test_a_dead_broker_holds_nothing_up(make: Make, at: At, broker: str) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    every_second = IntervalSchedule.objects.create(every=1, period="seconds")
    PeriodicTask.objects.create(name="housekeeping", task="no.such.task", interval=every_second)
    lonely = Celery("lonely", broker=broker, set_as_current=False)
    lonely.conf.update(
        broker_connection_timeout=1, task_publish_retry=False, beat_max_loop_interval=1, set_as_current=False
    )
    scheduler = HighwayScheduler(app=lonely)

    at("2026-11-23T10:01:00")
    started = time.monotonic()
    tick_until(scheduler, lambda: ledger(schedule))
    sent = PeriodicTask.objects.get(name="housekeeping")
    assert time.monotonic() - started < 10
    assert broken(scheduler) == set() and sent.enabled


def test_periodic_tasks_go_out(make: Make) -> None:
    every_second = IntervalSchedule.objects.create(every=1, period="seconds")
    PeriodicTask.objects.create(name="housekeeping", task="no.such.task", interval=every_second, queue="beat-test")
    scheduler = HighwayScheduler(app=app)

    def arrived() -> bool:
        with app.connection_for_read() as link:
            channel: Any = link.default_channel
            return bool(channel.queue_declare("beat-test").message_count)

    tick_until(scheduler, arrived)
    scheduler.close()
    assert PeriodicTask.objects.get(name="housekeeping").total_run_count > 0
    assert not PeriodicTask.objects.filter(name="celery.backend_cleanup").exists()
