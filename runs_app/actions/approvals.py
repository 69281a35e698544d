"""Approvals: asked by a step, decided once by people (or by their time running out), gone with their run.

Every transition locks the run first and then changes the row on the condition that it is still pending: of two who
decide at once one wins, and a run that ends takes its approvals with it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError

from highway_automation.base import clock, db
from highway_automation.base.errors import Conflict, Forbidden, NotFound
from highway_automation.base.retention import purge_rows
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import check_schema, fill_and_validate
from runs_app.actions.wake import wake_branch
from runs_app.deciders import Decider, has_spoken, refusal
from runs_app.models import Approval, ApprovalStatus, OnTimeout, WorkflowRun
from runs_app.signals import approval_requested
from runs_app.statuses import OPEN

log = logging.getLogger(__name__)
BATCH = 500
TIMEOUT = "timeout"
UNDECIDED = {
    OnTimeout.FAIL: ApprovalStatus.EXPIRED,
    OnTimeout.CONTINUE: ApprovalStatus.EXPIRED,
    OnTimeout.APPROVE: ApprovalStatus.APPROVED,
    OnTimeout.REJECT: ApprovalStatus.REJECTED,
}


def request_approval(question: Approval, *, lasts: timedelta | None = None) -> Approval:
    """Store the question, unless an earlier attempt at the same step did: then that one, decided or not.

    Raises:
        Invalid: the form's schema is none.
        Conflict: the run is over.
    """
    check_schema(question.form_schema, "form_schema")
    with db.atomic():
        run = _lock_run(question)
        asked = Approval.objects.for_tenant(question.tenant_id).filter(run_id=question.run_id, path=question.path)
        if earlier := asked.first():
            return earlier
        if run.status not in OPEN:
            raise Conflict(f"The run is {run.status} already.", status_now=run.status)
        question.run, question.requested_at = run, clock.now()
        question.expires_at = question.requested_at + lasts if lasts else None
        question.save(force_insert=True)
        _tell(question)
    return question


def decide_approval(
    approval: Approval, *, by: Decider, approved: bool, comment: str = "", answers: JSON = None
) -> Approval:
    """Approve or reject. One rejection settles it; of approvals it takes as many as are required, each by another one.

    Raises:
        Forbidden: this decider is not among those who may.
        Conflict: it is not pending any more, or the decider has approved it already.
        Invalid: the answers do not fit its form.
    """
    if why := refusal(approval, by):
        raise Forbidden(why)
    _refuse_settled(approval)
    given = _checked(approval, answers, approved=approved)
    with db.atomic():
        run = _lock_run(approval)
        row = Approval.objects.for_tenant(approval.tenant_id).get(pk=approval.pk)
        at = clock.now()
        _refuse_late(row, run, at)
        if has_spoken(row, by):
            raise Conflict(f"You approved this already; it takes {row.required} different people.")
        said = {"by": by.name, "approved": approved, "comment": comment, "answers": given, "at": at.isoformat()}
        row.decisions = [*row.decisions, {"identity": by.identity, **said}]
        if approved and row.approved_so_far < row.required:
            _change(row, decisions=row.decisions)
            return row
        status = ApprovalStatus.APPROVED if approved else ApprovalStatus.REJECTED
        result = {"status": status, "decided_at": at, "comment": comment, "answers": given}
        _change(row, decisions=row.decisions, decider=by.user, decided_by=by.name[:255], **result)
        wake_branch(row.run_id, row.path)
    return row


def cancel_approvals(run: WorkflowRun) -> int:
    """The run is over: nobody needs to decide any more. Called under the lock of the run's row; how many."""
    pending = Approval.objects.for_tenant(run.tenant_id).pending().filter(run=run)
    return int(pending.update(status=ApprovalStatus.CANCELLED, decided_at=clock.now(), comment="The run ended."))


def expire_approvals() -> int:
    """End what nobody decided in time as each of them says, and wake its step; how many."""
    overdue = Approval.objects.all_tenants().pending().filter(expires_at__lte=clock.now()).order_by("expires_at")
    return sum(_expire(approval) for approval in overdue[:BATCH])


def purge_approvals(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Forget what was decided before a time; the number of rows. Pending ones stay, however old."""
    rows = Approval.objects.for_tenant(tenant_id).filter(decided_at__lt=before)
    return purge_rows(rows, dry_run=dry_run)


def _expire(approval: Approval) -> bool:
    with db.atomic():
        run = _lock_run(approval)
        if run.status not in OPEN:
            return cancel_approvals(run) > 0
        status = UNDECIDED[OnTimeout(approval.on_timeout)]
        rows = Approval.objects.for_tenant(approval.tenant_id).pending().filter(pk=approval.pk)
        told = {"decided_by": TIMEOUT, "comment": "Nobody decided in time."}
        won = rows.update(status=status, decided_at=clock.now(), **told)
        if won:
            wake_branch(approval.run_id, approval.path)
    return bool(won)


def _change(row: Approval, **values: Any) -> None:
    """Raises Conflict when it is not pending any more."""
    rows = Approval.objects.for_tenant(row.tenant_id).pending().filter(pk=row.pk)
    if not rows.update(**values):
        row.refresh_from_db()
        _refuse_settled(row)
    for name, value in values.items():
        setattr(row, name, value)


def _lock_run(approval: Approval) -> WorkflowRun:
    rows = WorkflowRun.objects.for_tenant(approval.tenant_id).filter(pk=approval.run_id)
    run = db.lock_rows(rows).first()
    if run is None:
        raise NotFound("The run of this approval is gone.")
    return run


def _refuse_settled(row: Approval) -> None:
    if not row.is_pending:
        who = f" by {row.decided_by}" if row.decided_by else ""
        raise Conflict(f"This approval is {row.status} already{who}.", status_now=row.status)


def _refuse_late(row: Approval, run: WorkflowRun, at: datetime) -> None:
    """Also what the sweep has not come by yet to settle."""
    _refuse_settled(row)
    if run.status not in OPEN:
        raise Conflict(f"The run is {run.status} already.", status_now=ApprovalStatus.CANCELLED)
    if row.expires_at is not None and row.expires_at <= at:
        raise Conflict("The time to decide this approval is over.", status_now=ApprovalStatus.EXPIRED)


def _checked(approval: Approval, answers: JSON, *, approved: bool) -> JSON:
    """The answers with the form's defaults. Who rejects need not fill in the form."""
    given = {} if answers is None else answers
    schema = approval.form_schema if approved or given else None
    return fill_and_validate(schema, given, "answers", "The answers do not fit the approval's form.")


def _tell(approval: Approval) -> None:
    try:
        with db.savepoint():
            approval_requested.send(sender=Approval, approval=approval)
    except (OperationalError, InterfaceError):  # the database's trouble: the question comes again, and is told then
        raise
    except Exception:  # a listener's fault must not undo the question
        log.exception("A listener to the request of approval %s failed", approval.pk)
