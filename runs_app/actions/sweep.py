"""What a scheduler does for runs on each of its loops: wake, take back, end, and ring for what stays unclaimed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Min, QuerySet

from highway_automation.base import clock, db, queue
from highway_automation.base.errors import Conflict
from runs_app.actions.approvals import expire_approvals
from runs_app.actions.cancel import cancel_orphans, end_run
from runs_app.models import RunBranch, WorkflowRun
from runs_app.statuses import OPEN, BranchStatus, RunStatus

BATCH = 500
UNCLAIMED_AFTER = timedelta(seconds=0.5)


def sweep() -> datetime | None:
    """Look after parked, lost and unclaimed branches and overdue runs and approvals; when the next sleeper is due."""
    expire_approvals()
    woken = wake_due()
    taken_back = take_back_lost()
    end_overdue()
    cancel_orphans()
    if woken or taken_back:
        queue.ring(queue.WORK, woken + taken_back)
    else:
        ring_for_unclaimed()
    sleeping = RunBranch.objects.all_tenants().filter(status=BranchStatus.SLEEPING)
    next_wake: datetime | None = sleeping.aggregate(at=Min("wake_at"))["at"]
    return next_wake


def wake_due() -> int:
    """Make the sleepers whose time has come ready; how many."""
    at = clock.now()
    due = RunBranch.objects.all_tenants().filter(status=BranchStatus.SLEEPING, wake_at__lte=at)
    return _make_ready(due, at)


def take_back_lost() -> int:
    """Make the branches ready whose worker let the lease run out; each counts as a lost claim. How many."""
    lost = RunBranch.objects.all_tenants().filter(status=BranchStatus.RUNNING, lease_until__lt=clock.lease_now())
    return _make_ready(lost, clock.now(), lost_claims=F("lost_claims") + 1)


def _make_ready(rows: QuerySet[RunBranch], at: datetime, **changes: Any) -> int:
    if not rows.exists():
        return 0
    with db.atomic():
        ids = [row.pk for row in db.lock_rows(rows.only("pk"), skip_locked=True)[:BATCH]]
        ready = {"status": BranchStatus.READY, "ready_at": at, "wake_at": None, "lease_until": None}
        chosen = RunBranch.objects.all_tenants().filter(pk__in=ids)
        return chosen.update(claim_no=F("claim_no") + 1, **ready, **changes)


def end_overdue() -> int:
    """Fail or cancel, as the definition wants, the runs that are past their deadline; how many."""
    overdue = WorkflowRun.objects.all_tenants().filter(status__in=OPEN, deadline_at__lte=clock.now())
    ended = 0
    for run in overdue.select_related("definition")[:BATCH]:
        action = run.definition.body.get("deadline_action")
        status = RunStatus.CANCELLED if action == "cancel" else RunStatus.FAILED
        try:
            end_run(run, status, "The run took longer than its deadline.")
            ended += 1
        except Conflict:
            continue
    return ended


def ring_for_unclaimed() -> None:
    """A doorbell may have been lost; whoever hears an extra one finds nothing and goes back to sleep."""
    before = clock.now() - UNCLAIMED_AFTER
    waiting_long = RunBranch.objects.all_tenants().filter(status=BranchStatus.READY, ready_at__lte=before)
    waiting = len(waiting_long.filter(tenant__enabled=True).values_list("pk")[: queue.MOST[queue.WORK]])
    if waiting:
        queue.ring(queue.WORK, waiting)
