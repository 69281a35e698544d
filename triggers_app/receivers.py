"""The only listener to the rooms below: what they say becomes an event, in the transaction in which they say it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.models import Approval, WorkflowRun
from runs_app.signals import approval_requested, run_finished
from tenants_app.models import APIKey, Membership
from tenants_app.signals import api_key_created, membership_created
from triggers_app.actions.events import Causation, emit_event

RESULT_BYTES = 16 * 1024
TEXT_LENGTH = 4_000


def connect() -> None:
    membership_created.connect(on_membership_created, dispatch_uid="triggers.user_created")
    run_finished.connect(on_run_finished, dispatch_uid="triggers.run_finished")
    approval_requested.connect(on_approval_requested, dispatch_uid="triggers.approval_pending")
    api_key_created.connect(on_api_key_created, dispatch_uid="triggers.api_key_created")


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
    emit_event(run.tenant_id, f"workflow_{run.status}", run_payload(run), subject=str(run.pk), causation=_origin(run))


def _origin(run: WorkflowRun) -> Causation:
    return Causation(event_id=_event_of(run), run_id=run.pk, depth=run.depth)


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
        "error": safe_json.clean(run.error[:TEXT_LENGTH]),
        "cause": {"kind": run.cause_kind, "id": run.cause_id},
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def on_approval_requested(approval: Approval, **kwargs: Any) -> None:
    """`approval_pending`, once per question."""
    key = f"approval:{approval.pk}"
    payload = approval_payload(approval)
    origin = _origin(approval.run)
    emit_event(approval.tenant_id, "approval_pending", payload, external_id=key, subject=key, causation=origin)


def approval_payload(approval: Approval) -> dict[str, JSON]:
    """What is asked, of whom and until when. Large data to be approved are left out: its page shows them."""
    fits = _fits(approval.approval_data)
    return {
        "approval_id": str(approval.pk),
        "approval_key": approval.approval_key,
        "title": approval.title,
        "description": approval.description[:TEXT_LENGTH],
        "approval_data": approval.approval_data if fits else None,
        "approval_data_truncated": not fits,
        "workflow_run_id": str(approval.run_id),
        "workflow_name": approval.run.workflow_name,
        "step": approval.path,
        "approvers": approval.approvers,
        "required": approval.required,
        "requested_at": approval.requested_at.isoformat(),
        "expires_at": approval.expires_at.isoformat() if approval.expires_at else None,
        "url": approval.url,
    }


def on_api_key_created(api_key: APIKey, **kwargs: Any) -> None:
    """`api_key_created`, also for the new key of a rotation."""
    key = f"api_key:{api_key.pk}"
    emit_event(api_key.tenant_id, "api_key_created", api_key_payload(api_key), external_id=key, subject=key)


def api_key_payload(api_key: APIKey) -> dict[str, JSON]:
    """Whose key it is and what it may do; neither the key nor its hash."""
    creator = api_key.created_by
    return {
        "api_key_id": str(api_key.pk),
        "name": api_key.name,
        "prefix": api_key.prefix,
        "role": str(api_key.role),
        "created_by": creator.email if creator else None,
        "created_at": api_key.created_at.isoformat(),
        "expires_at": api_key.expires_at.isoformat() if api_key.expires_at else None,
    }


def _fits(value: JSON) -> bool:
    """Whether it can stand inside a payload: no run may fail to go on because of what it has to say."""
    try:
        return safe_json.size(safe_json.check({"result": value})) <= RESULT_BYTES
    except ValueError:
        return False
