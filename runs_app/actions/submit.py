"""The one door to a run."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from highway_automation.base import clock, db, queue, safe_json
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from highway_automation.base.safe_json import JSON
from runs_app.cause import Cause, Lineage
from runs_app.engine.prepared import Prepared, prepare
from runs_app.models import RunBranch, WorkflowDefinition, WorkflowRun
from tenants_app.models import Tenant, User

OUTSIDE = ("api", "template", "admin", "command")
"""The causes whose keys callers choose."""
RESERVED_KEY = re.compile("(cron|event|schedule|trigger|parent|step|run):[0-9a-f]{8}-", re.IGNORECASE)

FIRST = Lineage()


def submit_run(
    *,
    definition: WorkflowDefinition,
    inputs: JSON,
    cause: Cause,
    tenant: Tenant | None = None,
    actor: User | None = None,
    idempotency_key: str | None = None,
    workflow_name: str | None = None,
    template_version: int | None = None,
    priority: int = 0,
    context: dict[str, Any] | None = None,
    depth: int = 0,
    lineage: Lineage = FIRST,
) -> tuple[WorkflowRun, bool]:
    """Start a run: its row and its first branches in one transaction, a doorbell after it.

    With an idempotency key that the tenant used before, the first run is returned and nothing is started.

    Raises:
        Invalid: the inputs are no JSON object, or not storable.
        Conflict: the key was used with another payload; `extra["existing_run_id"]` names that run. Or everything of
            the tenant is stopped; only a step that still ends may start the run it waits for.
    """
    _check_inputs(inputs)
    _check_key(idempotency_key, cause)
    tenant_id = tenant.pk if tenant else definition.tenant_id
    payload = hashlib.sha256(f"{definition.sha256}{safe_json.dumps(inputs)}".encode()).hexdigest()
    with db.atomic():
        if idempotency_key and (earlier := _by_key(tenant_id, idempotency_key)):
            return _same_payload(earlier, payload), False
        if cause.kind != "parent":
            _refuse_stopped(tenant or definition.tenant)
        run = _new_run(definition, tenant_id, inputs, cause, workflow_name, clock.now())
        run.actor, run.idempotency_key, run.payload_hash = actor, idempotency_key, payload
        run.template_version, run.priority, run.depth = template_version, priority, depth
        run.context = safe_json.clean(context or {})
        run.root_run_id, run.nesting = lineage.root_run_id, lineage.nesting
        run.parent_run_id, run.parent_path = lineage.parent_run_id, lineage.parent_path
        if not idempotency_key:
            _write(run, prepare(definition))
        elif winner := _write_or_winner(run, prepare(definition)):
            return _same_payload(winner, payload), False
    return run, True


def find_run(tenant: Tenant | str, run_id: UUID | str) -> WorkflowRun:
    """The tenant's run, or NotFound: for another tenant's run just as for no run."""
    try:
        return WorkflowRun.objects.for_tenant(tenant).select_related("definition").get(pk=UUID(str(run_id)))
    except (WorkflowRun.DoesNotExist, ValueError):
        raise NotFound(f"There is no run {run_id}.") from None


def wait_for_run(run: WorkflowRun, seconds: float) -> WorkflowRun:
    """The run as it stands when it is final, or after `seconds`; whichever comes first."""
    deadline = time.monotonic() + seconds
    while not run.is_final and time.monotonic() < deadline:
        time.sleep(0.1)
        run.refresh_from_db()
    return run


def _new_run(
    definition: WorkflowDefinition, tenant_id: str, inputs: JSON, cause: Cause, name: str | None, at: datetime
) -> WorkflowRun:
    body = definition.body
    limits = [seconds for key in ("deadline_seconds", "timeout_seconds") if (seconds := body.get(key))]
    return WorkflowRun(
        tenant_id=tenant_id,
        definition=definition,
        workflow_name=name or definition.name,
        inputs=inputs,
        cause_kind=cause.kind,
        cause_id=cause.id,
        created_at=at,
        deadline_at=at + timedelta(seconds=min(limits)) if limits else None,
    )


def _write(run: WorkflowRun, prepared: Prepared) -> None:
    run.save(force_insert=True)
    branches = [
        RunBranch(tenant_id=run.tenant_id, run=run, path=path, priority=run.priority, ready_at=run.created_at)
        for path in prepared.roots
    ]
    RunBranch.objects.for_tenant(run.tenant_id).bulk_create(branches)
    queue.ring(queue.WORK, len(branches))


def _write_or_winner(run: WorkflowRun, prepared: Prepared) -> WorkflowRun | None:
    """The run that took the idempotency key first, if another one did."""
    try:
        with db.savepoint():
            _write(run, prepared)
    except IntegrityError:
        winner = _by_key(run.tenant_id, run.idempotency_key)
        if winner is None:
            raise
        return winner
    return None


def _by_key(tenant_id: str, key: str | None) -> WorkflowRun | None:
    return WorkflowRun.objects.for_tenant(tenant_id).filter(idempotency_key=key).first()


def _same_payload(run: WorkflowRun, payload: str) -> WorkflowRun:
    if run.payload_hash != payload:
        raise Conflict(
            "This idempotency key was used with another payload; use a new key.", existing_run_id=str(run.pk)
        )
    return run


def _refuse_stopped(tenant: Tenant) -> None:
    if not tenant.enabled:
        raise Conflict(f"Everything of {tenant} is stopped; nothing new starts until it goes on.")


def _check_inputs(inputs: JSON) -> None:
    if not isinstance(inputs, dict):
        raise Invalid("Inputs are a JSON object.", errors=[FieldError("inputs", "Give a JSON object.")])
    try:
        safe_json.check(inputs)
    except safe_json.UnsafeJSON as error:
        raise Invalid("The inputs cannot be stored.", errors=[FieldError("inputs", str(error))]) from None


def _check_key(key: str | None, cause: Cause) -> None:
    """What the product itself starts has keys of a shape that callers may not use: neither takes the other's run."""
    if key is None:
        return
    told = ""
    if not 0 < len(key) <= 255 or safe_json.UNSTORABLE.search(key):
        told = "Give 1 to 255 characters without NUL."
    elif cause.kind in OUTSIDE and (reserved := RESERVED_KEY.match(key)):
        told = f"Keys that begin with {reserved[1]}: and an id are the product's own; begin with something else."
    if told:
        raise Invalid("The idempotency key is not usable.", errors=[FieldError("idempotency_key", told)])
