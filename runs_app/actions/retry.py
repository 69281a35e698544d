"""Starting again what has ended."""

from __future__ import annotations

from highway_automation.base.errors import InvalidTransition
from runs_app.actions.submit import submit_run
from runs_app.cause import Cause
from runs_app.models import WorkflowRun
from runs_app.statuses import RunStatus
from tenants_app.models import User

ENDED_BADLY = (RunStatus.FAILED, RunStatus.CANCELLED)


def retry_run(
    run: WorkflowRun, *, actor: User | None = None, idempotency_key: str | None = None
) -> tuple[WorkflowRun, bool]:
    """A new run of the same definition with the same inputs, from the beginning; its cause names the old one.

    Raises:
        InvalidTransition: the run has not failed and was not cancelled.
    """
    if run.status not in ENDED_BADLY:
        raise InvalidTransition(run, "retry")
    return _again(run, Cause("api", str(run.pk)), actor, idempotency_key)


def run_again(run: WorkflowRun, *, actor: User | None = None) -> WorkflowRun:
    """A new run of what has ended, well or badly: the same definition and inputs, from the beginning.

    Raises:
        InvalidTransition: the run goes on still.
    """
    if not run.is_final:
        raise InvalidTransition(run, "run again")
    return _again(run, Cause("admin", str(run.pk)), actor, None)[0]


def _again(run: WorkflowRun, cause: Cause, actor: User | None, idempotency_key: str | None) -> tuple[WorkflowRun, bool]:
    return submit_run(
        definition=run.definition,
        inputs=run.inputs,
        cause=cause,
        actor=actor,
        idempotency_key=idempotency_key,
        workflow_name=run.workflow_name,
        template_version=run.template_version,
        priority=run.priority,
        context=run.context,
        depth=run.depth,
    )
