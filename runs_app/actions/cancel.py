"""Ending a run before its time."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from highway_automation.base import db
from highway_automation.base.errors import Conflict
from runs_app.actions.approvals import cancel_approvals
from runs_app.engine.finish import close_run, drop_branches
from runs_app.models import WorkflowRun
from runs_app.statuses import FINAL, OPEN, RunStatus
from tenants_app.models import User

PARENT_ENDED = "its parent ended."
BATCH = 500


def cancel_run(run: WorkflowRun, *, actor: User | None, reason: str = "") -> WorkflowRun:
    """Stop the run now. A step under way is killed; whatever it still writes is dropped by its fence.

    Raises:
        Conflict: the run is final already.
    """
    who = f" by {actor.get_username()}" if actor else ""
    return end_run(run, RunStatus.CANCELLED, f"Cancelled{who}{f': {reason}' if reason else '.'}")


def end_run(run: WorkflowRun, status: RunStatus, error: str) -> WorkflowRun:
    """Give the run this final status from outside. Raises Conflict when it is final already.

    The runs it waits for end with it, each in a transaction of its own: a child's end locks the parent's branch, so the
    locks of a parent and of its children are never taken in the opposite order.
    """
    with db.atomic():
        locked = db.lock_rows(WorkflowRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk)).get()
        if locked.status not in OPEN:
            raise Conflict(f"The run is {locked.status} already.", status_now=locked.status)
        drop_branches(locked)
        cancel_approvals(locked)
        close_run(locked, status, error)
        transaction.on_commit(lambda: cancel_children(run.pk), robust=True)
    run.refresh_from_db()
    return run


def cancel_if_open(run: WorkflowRun, reason: str) -> bool:
    try:
        cancel_run(run, actor=None, reason=reason)
    except Conflict:
        return False
    return True


def cancel_children(run_id: UUID) -> int:
    """Cancel the runs that this run was waiting for; how many."""
    waited_for = WorkflowRun.objects.all_tenants().filter(parent_run_id=run_id, status__in=OPEN)
    return sum(cancel_if_open(child, PARENT_ENDED) for child in waited_for)


def cancel_orphans() -> int:
    """The same for every run whose parent is over, should somebody have died in between; how many."""
    parents = WorkflowRun.objects.all_tenants().filter(pk=OuterRef("parent_run_id"), status__in=FINAL)
    children = WorkflowRun.objects.all_tenants().filter(status__in=OPEN, parent_run_id__isnull=False)
    return sum(cancel_if_open(child, PARENT_ENDED) for child in children.filter(Exists(parents))[:BATCH])
