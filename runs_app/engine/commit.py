"""The writes of a drive. Each holds the fence (branch, claim number, place): a branch that was taken over is dropped.

A step whose successors also wait for another branch, or that ends its branch, is decided under the lock of the run row
with all that the other branches settled before: of two branches that end together exactly one starts what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from highway_automation.base import clock, db, queue
from highway_automation.base.db.fenced import Insert, Statement, Update, write
from highway_automation.base.safe_json import JSON
from runs_app.engine import waits
from runs_app.engine.claim import Claim, Following, Result, Start, as_settled, start_values
from runs_app.engine.finish import finish_run
from runs_app.engine.resolve import StepScope
from runs_app.models import RunBranch, StepLog, StepRun, WorkflowRun
from runs_app.operators import targets
from runs_app.outcomes import Failed, Parked, Succeeded
from runs_app.plan import Newly, Settled
from runs_app.statuses import OPEN, BranchStatus, RunStatus, StepStatus

Writes = list[Statement]


def settle(claim: Claim, scope: StepScope, outcome: Succeeded | Failed, *, go_on: bool) -> bool:
    """Commit a step's end and the start of what follows; whether this branch has a next step to perform now."""
    told = waits.emissions(claim, outcome) or waits.withdrawn(claim, outcome)
    if told or not _may_decide_alone(claim, outcome):
        following = _settle_locked(claim, scope, outcome, go_on=go_on)
    else:
        end = _apply(claim, outcome, scope)
        if end.ready:
            following = _advance(claim, scope, outcome, end, go_on=go_on, seq=None)
        else:
            following = _settle_locked(claim, scope, outcome, go_on=go_on, end=end)
    if following is None or not go_on:
        return False
    claim.go_on(following)
    return True


def park(claim: Claim, scope: StepScope, parked: Parked) -> None:
    """The branch waits without a thread, unless what it waits for came meanwhile: then it is ready again at once.

    The run sleeps when none of its branches is under way.
    """
    with db.atomic():
        run = _lock_run(claim)
        if run is None:
            return
        come = waits.has_come(claim, parked)
        awake = come or _was_nudged(claim)
        place = _ready_again() if awake else {**_asleep(parked.until), "parked": True}
        step = _step(claim, status=StepStatus.SLEEPING, parked=_kept(parked), input=scope.masked_input)
        writes: Writes = [step, *([] if come else waits.begun(claim, parked)), *_log(claim, scope)]
        if not write(_fence(claim, nudged=False, **place), writes):
            return
        if awake:
            queue.ring(queue.WORK)
        else:
            _sleep_if_idle(run)


def retry(claim: Claim, scope: StepScope, failure: Failed, delay: timedelta) -> None:
    """This attempt failed; the next one is a sleeping branch until its time."""
    with db.atomic():
        run = _lock_run(claim)
        if run is None:
            return
        fence = _fence(claim, attempt=claim.start.attempt + 1, **_asleep(clock.now() + delay))
        if write(fence, [_step(claim, **_ended(scope, failure)), *waits.over(claim), *_log(claim, scope)]):
            _sleep_if_idle(run)


def put_back(claim: Claim, scope: StepScope | None) -> None:
    """The worker stops: the step is ready for another one and has spent no attempt."""
    fence = _fence(claim, **_ready_again())
    once = claim.task["metadata"].get("once")
    step = _step(claim, status=StepStatus.RUNNING if once else StepStatus.PENDING)
    if write(fence, [step, *(_log(claim, scope) if scope else [])]):
        queue.ring(queue.WORK)


def _may_decide_alone(claim: Claim, outcome: Succeeded | Failed) -> bool:
    """Alone in the run; or a plain success whose followers wait for nobody else (nothing can be skipped by it)."""
    if claim.alone:
        return True
    task = claim.task
    plain = not (targets(task) or task["on_success_task_id"] or task["on_failure_task_id"])
    return plain and isinstance(outcome, Succeeded) and not claim.state.shared(_settled(claim, outcome))


def _apply(claim: Claim, outcome: Succeeded | Failed, scope: StepScope) -> Newly:
    settled = _settled(claim, outcome)
    newly = claim.state.apply(settled)
    error = scope.masked(outcome.error) if isinstance(outcome, Failed) else ""
    claim.results[settled.path] = Result(settled.status, scope.storable(outcome.output), error)
    for path in newly.skipped:
        claim.results[path] = Result(StepStatus.SKIPPED, None, "")
    return newly


def _settle_locked(
    claim: Claim, scope: StepScope, outcome: Succeeded | Failed, *, go_on: bool, end: Newly | None = None
) -> Following | None:
    with db.atomic():
        run = _lock_run(claim)
        if run is None:
            return None
        if not claim.alone:
            _catch_up(claim, run)
        waits.lock(claim, waits.emissions(claim, outcome))
        end = end or _apply(claim, outcome, scope)
        if claim.state.ended or not end.ready:
            _end_branch(claim, scope, outcome, end, run)
            return None
        return _advance(claim, scope, outcome, end, go_on=go_on, seq=_next_seq(claim, run))


def _advance(
    claim: Claim, scope: StepScope, outcome: Succeeded | Failed, end: Newly, *, go_on: bool, seq: int | None
) -> Following | None:
    """The first new step goes on in this branch, each other one becomes a branch of its own."""
    path, *others = end.ready
    start = Start(db.uuid7(), path, 1)
    place: dict[str, Any] = {"path": path, "attempt": 1, "lost_claims": 0, "nudged": False}
    if not go_on:
        place |= _ready_again()
    writes: Writes = [_step(claim, settled=True, seq=seq, **_ended(scope, outcome)), *_skips(claim, end, seq)]
    writes += [_new_branch(claim, other) for other in others]
    if go_on:
        values = start_values(claim, path, 1, start.step_id)
        writes.append(Insert(StepRun, {**values, "started_at": clock.moment()}))
    if not _write_end(claim, scope, outcome, _fence(claim, **place), writes):
        return None
    if others or not go_on:
        queue.ring(queue.WORK, len(others) + (not go_on))
    return Following(start, alone=claim.alone and not others)


def _end_branch(claim: Claim, scope: StepScope, outcome: Succeeded | Failed, end: Newly, run: WorkflowRun) -> None:
    seq = None if claim.alone else _next_seq(claim, run)
    fence = _fence(claim, status=BranchStatus.ENDED, lease_until=None, worker="")
    writes: Writes = [_step(claim, settled=True, seq=seq, **_ended(scope, outcome)), *_skips(claim, end, seq)]
    if not _write_end(claim, scope, outcome, fence, writes):
        return
    if claim.state.ended:
        finish_run(run, claim.prepared, claim.state, claim.results, last=claim.start.path)
    else:
        _sleep_if_idle(run)


def _write_end(claim: Claim, scope: StepScope, outcome: Succeeded | Failed, fence: Update, writes: Writes) -> bool:
    """A step's end with all that goes with any end; whether the branch was still ours."""
    emitted = waits.emissions(claim, outcome)
    writes = [*writes, *waits.over(claim), *waits.withdrawn(claim, outcome), *waits.rows(claim, scope, emitted)]
    done = write(fence, [*writes, *_log(claim, scope)])
    if done:
        waits.tell(claim, scope, emitted)
    return done


def _lock_run(claim: Claim) -> WorkflowRun | None:
    """The run's row, locked; None when the run is over."""
    run = db.lock_rows(WorkflowRun.objects.all_tenants().filter(pk=claim.run.pk)).first()
    if run is None or run.status not in OPEN:
        return None
    run.tenant, run.definition_id = claim.tenant, claim.run.definition_id
    return run


def _catch_up(claim: Claim, run: WorkflowRun) -> None:
    """Apply what other branches settled since this claim read the journal."""
    if run.journal_seq == claim.seen_seq:
        return
    rows = StepRun.objects.all_tenants().filter(run_id=run.pk, settled=True, seq__gt=claim.seen_seq).order_by("seq")
    for row in rows.defer("input"):
        if row.path not in claim.results:
            claim.state.apply(as_settled(row))
            claim.results[row.path] = Result(row.status, row.output, row.error)
    claim.seen_seq = run.journal_seq


def _next_seq(claim: Claim, run: WorkflowRun) -> int:
    """The number under which this commit, and all that this branch settled without the lock, become known."""
    run.journal_seq += 1
    claim.seen_seq = run.journal_seq
    WorkflowRun.objects.all_tenants().filter(pk=run.pk).update(journal_seq=run.journal_seq)
    unknown = StepRun.objects.all_tenants().filter(run_id=run.pk, branch_id=claim.branch.pk, settled=True, seq=None)
    unknown.update(seq=run.journal_seq)
    return run.journal_seq


def _was_nudged(claim: Claim) -> bool:
    """Whether something woke the branch since it was claimed; locks it, so that what comes later finds it asleep."""
    branch = RunBranch.objects.all_tenants().filter(pk=claim.branch.pk)
    return any(row.nudged for row in db.lock_rows(branch.only("nudged")))


def _kept(parked: Parked) -> dict[str, JSON]:
    """What the step's row keeps of the wait: for resuming, and for people who ask what it waits for."""
    until = parked.until.isoformat() if parked.until else None
    return {"state": parked.state, "event": parked.event, "note": parked.note, "until": until}


def _ready_again() -> dict[str, Any]:
    return {"status": BranchStatus.READY, "ready_at": clock.moment(), "lease_until": None, "worker": ""}


def _asleep(wake_at: datetime | None) -> dict[str, Any]:
    place = {"lease_until": None, "worker": "", "lost_claims": 0}
    return {"status": BranchStatus.SLEEPING, "wake_at": wake_at, **place}


def _sleep_if_idle(run: WorkflowRun) -> None:
    live = (BranchStatus.READY, BranchStatus.RUNNING)
    if not RunBranch.objects.all_tenants().filter(run_id=run.pk, status__in=live).exists():
        WorkflowRun.objects.all_tenants().filter(pk=run.pk).update(status=RunStatus.SLEEPING)


def _settled(claim: Claim, outcome: Succeeded | Failed) -> Settled:
    if isinstance(outcome, Failed):
        return Settled(claim.start.path, "failed")
    return Settled(claim.start.path, "succeeded", outcome.chosen)


def _fence(claim: Claim, **values: Any) -> Update:
    branch = claim.branch
    place = {"path": branch.path, "attempt": branch.attempt, "status": BranchStatus.RUNNING}
    return Update(RunBranch, {"branch_id": branch.pk, "claim_no": branch.claim_no, **place}, values)


def _step(claim: Claim, **values: Any) -> Update:
    return Update(StepRun, {"step_id": claim.start.step_id}, values)


def _ended(scope: StepScope, outcome: Succeeded | Failed) -> dict[str, Any]:
    failed = isinstance(outcome, Failed)
    return {
        "status": StepStatus.FAILED if failed else StepStatus.SUCCEEDED,
        "chosen": [] if isinstance(outcome, Failed) else list(outcome.chosen),
        "input": scope.masked_input,
        "output": scope.storable(outcome.output),
        "error": scope.masked(outcome.error) if isinstance(outcome, Failed) else "",
        "parked": None,
        "finished_at": clock.moment(),
    }


def _skips(claim: Claim, end: Newly, seq: int | None) -> Sequence[Insert]:
    return [
        Insert(StepRun, {**start_values(claim, path, 0, db.uuid7()), "status": StepStatus.SKIPPED, "settled": True,
                         "seq": seq, "finished_at": clock.moment()})
        for path in end.skipped
    ]  # fmt: skip


def _new_branch(claim: Claim, path: str) -> Insert:
    values: dict[str, JSON | UUID] = {
        "branch_id": db.uuid7(),
        "tenant_id": claim.branch.tenant_id,
        "run_id": claim.run.pk,
        "path": path,
        "priority": claim.branch.priority,
        "ready_at": clock.moment(),
    }
    return Insert(RunBranch, values)


def _log(claim: Claim, scope: StepScope) -> list[Insert]:
    """The end of what the step printed, with its result: one commit for both."""
    text = scope.take_log()
    if text is None:
        return []
    return [log_row(claim, text)]


def log_row(claim: Claim, text: str) -> Insert:
    key = {"run_id": claim.run.pk, "path": claim.start.path, "attempt": claim.start.attempt}
    values = {"tenant_id": claim.branch.tenant_id, "text": text, "updated_at": clock.moment(), **key}
    return Insert(StepLog, values, merge_on=("run_id", "path", "attempt"), merge=("text", "updated_at"))
