"""The only listener to the rooms below: what they say becomes an event, in the transaction in which they say it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.models import WorkflowRun
from runs_app.signals import run_finished
from tenants_app.models import Membership
from tenants_app.signals import membership_created
from triggers_app.actions.events import Causation, emit_event

RESULT_BYTES = 16 * 1024
ERROR_LENGTH = 4_000


def connect() -> None:
    membership_created.connect(on_membership_created, dispatch_uid="triggers.user_created")
    run_finished.connect(on_run_finished, dispatch_uid="triggers.run_finished")


def on_membership_created(membership: Membership, **kwargs: Any) -> None:
    """`user_created`, once per tenant: a user who leaves and comes back was created before."""
    user = f"user:{membership.user_id}"
    emit_event(membership.tenant_id, "user_created", user_payload(membership), external_id=user, subject=user)


def user_payload(membership: Membership) -> dict[str, JSON]:
    user = membership.user
    return {
        "user_id": user.pk,
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "full_name": user.get_full_name(),
        "date_joined": user.date_joined.isoformat(),
        "role": str(membership.role),
        "tenant_id": membership.tenant_id,
    }


def on_run_finished(run: WorkflowRun, **kwargs: Any) -> None:
    """`workflow_completed`, `workflow_failed` or `workflow_cancelled`."""
    origin = Causation(event_id=_event_of(run), run_id=run.pk, depth=run.depth)
    emit_event(run.tenant_id, f"workflow_{run.status}", run_payload(run), subject=str(run.pk), causation=origin)


def _event_of(run: WorkflowRun) -> UUID | None:
    """The event that started the run, if one did."""
    event = run.context.get("event") if isinstance(run.context, dict) else None
    found = event.get("event_id") if isinstance(event, dict) else None
    return UUID(found) if found else None


def run_payload(run: WorkflowRun) -> dict[str, JSON]:
    """What a run has to say; its secrets were redacted before it was stored. A large or deep result is left out."""
    fits = _fits(run.result)
    return {
        "workflow_run_id": str(run.pk),
        "workflow_name": run.workflow_name,
        "template_version": run.template_version,
        "status": str(run.status),
        "result": run.result if fits else None,
        "result_truncated": not fits,
        "error": safe_json.clean(run.error[:ERROR_LENGTH]),
        "cause": {"kind": run.cause_kind, "id": run.cause_id},
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def _fits(result: JSON) -> bool:
    """Whether it can stand inside a payload: no run may fail to end because of what it has to say."""
    try:
        return safe_json.size(safe_json.check({"result": result})) <= RESULT_BYTES
    except ValueError:
        return False
