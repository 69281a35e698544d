"""Ending a run before its time."""

from __future__ import annotations

from highway_automation.base import db
from highway_automation.base.errors import Conflict
from runs_app.engine.finish import close_run, drop_branches
from runs_app.models import WorkflowRun
from runs_app.statuses import OPEN, RunStatus
from tenants_app.models import User


def cancel_run(run: WorkflowRun, *, actor: User | None, reason: str = "") -> WorkflowRun:
    """Stop the run now. A step under way is killed; whatever it still writes is dropped by its fence.

    Raises:
        Conflict: the run is final already.
    """
    who = f" by {actor.get_username()}" if actor else ""
    return end_run(run, RunStatus.CANCELLED, f"Cancelled{who}{f': {reason}' if reason else '.'}")


def end_run(run: WorkflowRun, status: RunStatus, error: str) -> WorkflowRun:
    """Give the run this final status from outside. Raises Conflict when it is final already."""
    with db.atomic():
        locked = db.lock_rows(WorkflowRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk)).get()
        if locked.status not in OPEN:
            raise Conflict(f"The run is {locked.status} already.", status_now=locked.status)
        drop_branches(locked)
        close_run(locked, status, error)
    run.refresh_from_db()
    return run
