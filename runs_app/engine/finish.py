"""How a run ends: its result, its status, and the signal that says so, all in the transaction of its last step."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import F

from highway_automation.base import clock, db
from highway_automation.base.safe_json import JSON
from runs_app.engine.claim import Result
from runs_app.engine.prepared import Prepared
from runs_app.engine.wake import wake_branch
from runs_app.models import EventWait, RunBranch, StepRun, WorkflowRun
from runs_app.plan import State
from runs_app.signals import run_finished
from runs_app.statuses import BranchStatus, RunStatus, StepStatus

log = logging.getLogger(__name__)


def finish_run(run: WorkflowRun, prepared: Prepared, state: State, results: Mapping[str, Result], *, last: str) -> None:
    """Every step is settled: store what came of it. Called under the lock of the run's row."""
    failed = state.outcome == "failed"
    run.result = _result(prepared, results, last)
    error = "; ".join(f"{path}: {results[path].error}" for path in state.unhandled)
    close_run(run, RunStatus.FAILED if failed else RunStatus.COMPLETED, error)


def close_run(run: WorkflowRun, status: RunStatus, error: str = "") -> None:
    """Make the run final and tell. Called under the lock of the run's row."""
    with clock.standing():  # it is told with the time at which it ended
        run.status, run.error, run.finished_at = status, error, clock.now()
        run.save(update_fields=["status", "error", "result", "finished_at"])
        if run.parent_run_id and run.parent_path:
            wake_branch(run.parent_run_id, run.parent_path)
        _tell(run)


def _tell(run: WorkflowRun) -> None:
    try:
        with db.savepoint():
            run_finished.send(sender=WorkflowRun, run=run)
    except (OperationalError, InterfaceError):  # the database's trouble: the end comes again, and is told then
        raise
    except Exception:  # a listener's fault must not undo the end of the run
        log.exception("A listener to the end of run %s failed", run.pk)


def drop_branches(run: WorkflowRun) -> None:
    """Raise the fence of all that is under way, so that its drivers write nothing more and nobody wakes it."""
    _hold_branches(run)
    live = _live_branches(run)
    live.update(status=BranchStatus.CANCELLED, claim_no=F("claim_no") + 1, lease_until=None, wake_at=None)
    under_way = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.SLEEPING)
    steps = StepRun.objects.all_tenants().filter(run_id=run.pk, status__in=under_way)
    steps.update(status=StepStatus.CANCELLED, finished_at=clock.now())
    EventWait.objects.all_tenants().filter(run_id=run.pk).delete()


def _hold_branches(run: WorkflowRun) -> None:
    """Lock all live branches, in the order of who wakes several. While one is waited for, its step may end and make
    others: what looked before does not see them.
    """
    held: set[UUID] = set()
    while new := {branch.pk for branch in db.lock_rows(_live_branches(run).only("pk").order_by("pk"))} - held:
        held |= new


def _live_branches(run: WorkflowRun) -> db.Rows[RunBranch]:
    return RunBranch.objects.all_tenants().filter(run_id=run.pk).exclude(status=BranchStatus.ENDED)


def _result(prepared: Prepared, results: Mapping[str, Result], last: str) -> JSON:
    """By result key, else task id, what each step gave; `output` is what the last one gave."""
    given = {
        prepared.tasks[path]["result_key"] or path: result.output
        for path, result in results.items()
        if result.status == StepStatus.SUCCEEDED and path in prepared.written
    }
    return {**given, "output": results[last].output if last in results else None}
