"""The task behind the doorbell."""

from __future__ import annotations

from celery import shared_task

from runs_app.actions import workers
from runs_app.engine import process


@shared_task(name="runs_app.tasks.forget_dead_workers")
def forget_dead_workers() -> None:
    workers.forget_dead_workers()


@shared_task(name="runs_app.tasks.work")
def work() -> None:
    process.wake()
