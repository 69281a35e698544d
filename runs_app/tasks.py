"""The task behind the doorbell."""

from __future__ import annotations

from celery import shared_task

from runs_app.actions import retention, workers
from runs_app.engine import process


@shared_task(name="runs_app.tasks.forget_dead_workers")
def forget_dead_workers() -> None:
    workers.forget_dead_workers()


@shared_task(name="runs_app.tasks.purge_expired")
def purge_expired() -> None:
    """Housekeeping; several may run at once, each row is purged by one."""
    retention.purge_expired()


@shared_task(name="runs_app.tasks.remove_work_folders")
def remove_work_folders() -> None:
    retention.remove_work_folders()


@shared_task(name="runs_app.tasks.work")
def work() -> None:
    process.wake()
