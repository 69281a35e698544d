"""Named events from outside a run, and clearing away old ones."""

from __future__ import annotations

from datetime import datetime

from highway_automation.base import clock, db, safe_json
from highway_automation.base.errors import Conflict, FieldError, Invalid
from highway_automation.base.retention import purge_rows
from highway_automation.base.safe_json import JSON
from runs_app.engine.wake import Happened, bring_names, deliver
from runs_app.models import WorkflowEvent, WorkflowRun
from runs_app.statuses import OPEN

LONGEST_NAME = 255


def send_signal(run: WorkflowRun, name: str, payload: JSON) -> tuple[WorkflowEvent, bool]:
    """Let this run's waits for an event of this name go on, now or when they come to it. Only this run hears it.

    The first payload of a name wins: a second signal of the same name gives the first one back and False.

    Raises:
        Invalid: the name or payload cannot be stored.
        Conflict: the run is over.
    """
    name = _checked(name, payload)
    with db.atomic():
        locked = db.lock_rows(WorkflowRun.objects.for_tenant(run.tenant_id).filter(pk=run.pk)).get()
        if locked.status not in OPEN:
            raise Conflict(f"The run is {locked.status} already.", status_now=locked.status)
        bring_names([(run.tenant_id, name)])
        at = clock.now()
        event, created = WorkflowEvent.objects.for_tenant(run.tenant_id).get_or_create(
            run=locked, name=name, defaults={"payload": payload, "created_at": at}
        )
        if created:
            deliver(Happened(run.tenant_id, name, payload, at), run_id=run.pk)
    return event, created


def purge_workflow_events(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """What was told to the whole tenant before a time: its names may be emitted anew. A run's own go with the run."""
    rows = WorkflowEvent.objects.for_tenant(tenant_id).filter(run=None, created_at__lt=before)
    return purge_rows(rows, dry_run=dry_run)


def _checked(name: str, payload: JSON) -> str:
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or safe_json.UNSTORABLE.search(name):
        told = f"Give 1 to {LONGEST_NAME} characters without NUL."
        raise Invalid("The signal has no usable name.", errors=[FieldError("signal_name", told)])
    try:
        safe_json.check(payload)
    except safe_json.UnsafeJSON as error:
        raise Invalid("The payload cannot be stored.", errors=[FieldError("signal_payload", str(error))]) from None
    return name
