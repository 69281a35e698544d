"""What has come already of what a step begins to wait for.

The rooms above keep events of their own; a wait asks them for those that came since its run was created.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from runs_app.engine.wake import Happened
from runs_app.models import EventWait, WorkflowEvent, WorkflowRun

Recall = Callable[[str, str, datetime], Happened | None]
_RECALLS: list[Recall] = []


def register_past(recall: Recall) -> None:
    """`recall(tenant_id, name, since)` answers the first event of that name that occurred then or later."""
    if recall not in _RECALLS:
        _RECALLS.append(recall)


def given(run: WorkflowRun, path: str) -> Happened | None:
    """What came for the wait of this step while it was parked."""
    waits = EventWait.objects.for_tenant(run.tenant_id).filter(run=run, path=path, happened_at__isnull=False)
    wait = waits.first()
    if wait is None or wait.happened_at is None:
        return None
    return Happened(run.tenant_id, wait.name, wait.payload, wait.happened_at, wait.error)


def find(run: WorkflowRun, name: str) -> Happened | None:
    """An event of this name that the run may hear: its own, one of its tenant's at any time, or one of above since."""
    events = WorkflowEvent.objects.for_tenant(run.tenant_id).filter(Q(run=None) | Q(run=run), name=name)
    if event := events.order_by("created_at").first():
        return Happened(run.tenant_id, name, event.payload, event.created_at, event.error)
    heard = (recall(run.tenant_id, name, run.created_at) for recall in _RECALLS)
    return next((event for event in heard if event), None)
