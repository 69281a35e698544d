"""A schedule that fails: how often in a row, who hears of it, and when it is enough.

Locks come in one order: schedule or run first, the row of failures last. The end of a run holds that run and must not
wait for its schedule, since a scheduler that holds the schedule may be waiting for the run.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError

from highway_automation.base import clock
from highway_automation.base.db import atomic, lock_rows, savepoint
from runs_app.models import WorkflowRun
from runs_app.statuses import RunStatus
from schedules_app import mails
from schedules_app.actions.pause import forget_failures, pause_if_free
from schedules_app.models import FailureStreak, ScheduledWorkflow
from tenants_app.actions import queue_mail
from tenants_app.models import Membership, User

MAIL_PAUSE = timedelta(hours=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """One time that could not be started, or whose run failed."""

    error: str
    slot: datetime | None
    run_id: UUID | None = None


def run_ended(run: WorkflowRun) -> None:
    """A run of a schedule has ended; called in the transaction in which it did. One that was cancelled says nothing."""
    schedule_id = UUID(run.cause_id)
    if run.status == RunStatus.COMPLETED:
        forget_failures(run.tenant_id, schedule_id)
    elif run.status == RunStatus.FAILED:
        rows = ScheduledWorkflow.objects.for_tenant(run.tenant_id).select_related("tenant", "owner")
        for schedule in rows.filter(pk=schedule_id):  # none when it was deleted meanwhile
            count(schedule, [Failure(run.error, slot_of(run), run.pk)])


def slot_of(run: WorkflowRun) -> datetime | None:
    about = run.context.get("schedule") if isinstance(run.context, dict) else None
    return datetime.fromisoformat(str(about["scheduled_for"])) if about else None


def count(schedule: ScheduledWorkflow, failures: Sequence[Failure]) -> None:
    """Count them, tell the owner unless they heard within the hour, and pause it when these are enough.

    Nothing that goes wrong here undoes what the caller has decided. Raises only what a lost database raises.
    """
    if not failures:
        return
    try:
        with atomic():
            streak = _counted(schedule, len(failures))
            _tell_owner(schedule, streak, failures[-1])
            streak.save()
            if note := enough(schedule, streak):
                pause_if_free(schedule, note)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("The failures of schedule %s could not be counted.", schedule.pk)


def _counted(schedule: ScheduledWorkflow, number: int) -> FailureStreak:
    rows = lock_rows(FailureStreak.objects.for_tenant(schedule.tenant_id))
    with savepoint():
        streak, _created = rows.get_or_create(schedule=schedule, defaults={"tenant_id": schedule.tenant_id})
    streak.in_a_row += number
    streak.since_mail += number
    streak.failing_since = streak.failing_since or clock.now()
    return streak


def _tell_owner(schedule: ScheduledWorkflow, streak: FailureStreak, failure: Failure) -> None:
    at = clock.now()
    if streak.mailed_at and at - streak.mailed_at < MAIL_PAUSE:
        return
    owner = reachable_owner(schedule)
    if owner is None:
        return
    subject, text = mails.failed(schedule, streak, failure.error, failure.slot, failure.run_id)
    queue_mail(schedule.tenant, owner.email, subject, text, kind="schedule_failed")
    streak.mailed_at, streak.since_mail = at, 0


def reachable_owner(schedule: ScheduledWorkflow) -> User | None:
    """Its owner, while they may see what the mail tells: active, and a member of the tenant or a superuser."""
    owner = schedule.owner if schedule.owner_id else None
    if owner is None or not owner.is_active or not owner.email:
        return None
    members = Membership.objects.for_tenant(schedule.tenant_id).filter(user=owner)
    return owner if owner.is_superuser or members.exists() else None


def enough(schedule: ScheduledWorkflow, streak: FailureStreak | None) -> str:
    """Why it is to be paused, if it has failed too often."""
    most = schedule.pause_after_failures
    if not most or streak is None or streak.in_a_row < most:
        return ""
    return f"Paused after {streak.in_a_row} failure{'s' if streak.in_a_row > 1 else ''} in a row."


def failing_too_often(schedule: ScheduledWorkflow) -> str:
    """Why it is to be paused, for a scheduler: whoever counted the last failure could not get hold of the schedule."""
    if not schedule.pause_after_failures:
        return ""
    return enough(schedule, FailureStreak.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule).first())
