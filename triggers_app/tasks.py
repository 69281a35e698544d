"""The task behind the doorbell of events."""

from __future__ import annotations

from celery import shared_task

from triggers_app import actions


@shared_task(name="triggers_app.tasks.dispatch_events", ignore_result=True)
def dispatch_events() -> None:
    actions.dispatch_events()
