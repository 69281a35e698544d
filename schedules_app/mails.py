"""What the owner of a schedule is told when it fails."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from schedules_app.cron import moment
from schedules_app.models import FailureStreak, ScheduledWorkflow
from schedules_app.preview import in_words

LONGEST_ERROR = 2_000


def failed(
    schedule: ScheduledWorkflow, streak: FailureStreak, error: str, slot: datetime | None, run_id: UUID | None
) -> tuple[str, str]:
    """Subject and text of the mail about the latest failure and those that no mail told of."""
    what = "failed" if run_id else "could not start"
    times = f" ({streak.since_mail} failures)" if streak.since_mail > 1 else ""
    lines = [
        f"The schedule {schedule.name} {what}.",
        "",
        f"Tenant: {schedule.tenant}",
        f"Times: {in_words(schedule)}",
        *([f"Due: {at(schedule, slot)}"] if slot else []),
        f"Error: {error[:LONGEST_ERROR] or 'none was given'}",
        "",
        *([f"Run: {page('runs_app_workflowrun', run_id)}"] if run_id else []),
        f"Schedule: {page('schedules_app_scheduledworkflow', schedule.pk)}",
        "",
        *so_far(schedule, streak),
        "You get this as the owner of the schedule, at most once an hour while it keeps failing.",
    ]
    return f"Schedule {schedule.name} {what}{times}", "\n".join(lines)


def so_far(schedule: ScheduledWorkflow, streak: FailureStreak) -> list[str]:
    told = []
    if streak.mailed_at and streak.since_mail > 1:
        told.append(f"{streak.since_mail} failures since the last mail of {at(schedule, streak.mailed_at)}.")
    if streak.in_a_row > 1 and streak.failing_since:
        told.append(f"It has failed {streak.in_a_row} times in a row since {at(schedule, streak.failing_since)}.")
    if schedule.pause_after_failures:
        done = streak.in_a_row >= schedule.pause_after_failures
        told.append("It is paused now." if done else f"It pauses after {schedule.pause_after_failures} in a row.")
    return told


def at(schedule: ScheduledWorkflow, time: datetime) -> str:
    try:
        return moment(time, schedule.spec.zone)
    except ValueError:  # an expression or a zone that cannot be read is often just what failed
        return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def page(model: str, pk: UUID) -> str:
    """The address of a page of the admin: the deployment's own, whatever host a request named."""
    return f"{settings.HIGHWAY_BASE_URL.rstrip('/')}{reverse(f'admin:{model}_change', args=[pk])}"
