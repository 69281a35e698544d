"""Taking branches that are ready, and loading what is needed to drive them: one transaction for all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from highway_automation.base import clock, db
from highway_automation.base.safe_json import JSON
from runs_app.engine.prepared import Prepared, Task, prepare_by_id
from runs_app.models import RunBranch, StepRun, WorkflowRun
from runs_app.operators import OPERATORS
from runs_app.plan import Settled, State
from runs_app.statuses import OPEN, BranchStatus, RunStatus, StepStatus
from tenants_app.models import Tenant

MOST_LOST_CLAIMS = 5
MOST_TENANTS = 64


@dataclass(frozen=True)
class Result:
    """What later steps may read of a settled step."""

    status: str
    output: JSON
    error: str


@dataclass
class Start:
    """The attempt a drive stands at: its row exists. `again` says that a worker died or was stopped in it."""

    step_id: UUID
    path: str
    attempt: int
    parked: JSON = None
    again: bool = False


@dataclass(frozen=True)
class Following:
    """The step that a branch goes on with, once that is committed."""

    start: Start
    alone: bool


@dataclass
class Claim:
    """A branch that this process may drive until its lease ends or somebody raises `claim_no`."""

    branch: RunBranch
    run: WorkflowRun
    tenant: Tenant
    prepared: Prepared
    state: State
    results: dict[str, Result]
    start: Start
    alone: bool
    seen_seq: int

    @property
    def task(self) -> Task:
        return self.prepared.tasks[self.start.path]

    def go_on(self, following: Following) -> None:
        self.start, self.alone = following.start, following.alone
        self.branch.path, self.branch.attempt, self.branch.lost_claims = self.start.path, 1, 0


def claim(worker: str, most: int) -> list[Claim]:
    """At most `most` ready branches, by priority and in turns between tenants; theirs is the lease from here on."""
    with db.atomic():
        candidates = _fairest(_candidates(most), most)
        if not candidates:
            return []
        real = clock.lease_now()
        _take(candidates, worker, real + timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS))
        return _load(candidates, real + clock.offset())


def reload(claim: Claim) -> Claim | None:
    """The claim as the database knows it after a write failed half-way; None when that write did succeed."""
    here = {"claim_no": claim.branch.claim_no, "path": claim.start.path, "attempt": claim.start.attempt}
    with db.atomic():
        branch = RunBranch.objects.all_tenants().filter(pk=claim.branch.pk, status=BranchStatus.RUNNING, **here).first()
        if branch is None:
            return None
        loaded = _load([branch], clock.now())[0]
    loaded.start = claim.start
    return loaded


def _take(branches: Sequence[RunBranch], worker: str, lease: datetime) -> None:
    RunBranch.objects.all_tenants().filter(pk__in=[branch.pk for branch in branches]).update(
        status=BranchStatus.RUNNING, claim_no=F("claim_no") + 1, lease_until=lease, worker=worker, wake_at=None,
        parked=False, nudged=False,
    )  # fmt: skip
    for branch in branches:
        branch.status, branch.worker, branch.lease_until = BranchStatus.RUNNING, worker, lease
        branch.parked = branch.nudged = False
        branch.claim_no += 1


def _candidates(most: int) -> list[RunBranch]:
    """The first ready branches of each tenant that has any, locked."""
    found: list[RunBranch] = []
    for tenant_id in _tenants_with_work():
        ready = RunBranch.objects.for_tenant(tenant_id).filter(status=BranchStatus.READY, tenant__enabled=True)
        found += db.lock_rows(ready.order_by("-priority", "ready_at"), skip_locked=True)[:most]
    return found


def _tenants_with_work() -> list[str]:
    """Hops from tenant to tenant along the index of ready branches, so the cost follows tenants, not branches."""
    table = RunBranch._meta.db_table
    first = f"SELECT min(tenant_id) FROM {table} WHERE status = 'ready'"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE t(id) AS ({first} UNION ALL SELECT ({first} AND tenant_id > t.id) FROM t "  # noqa: S608
            "WHERE t.id IS NOT NULL) SELECT id FROM t WHERE id IS NOT NULL LIMIT %s",
            [MOST_TENANTS],
        )
        return [row[0] for row in cursor.fetchall()]


def _fairest(candidates: list[RunBranch], most: int) -> list[RunBranch]:
    """Higher priority first; within one priority each tenant in turn."""
    turns: dict[tuple[str, int], int] = defaultdict(int)
    ranked: list[tuple[int, int, datetime, RunBranch]] = []
    for branch in candidates:
        key = (branch.tenant_id, branch.priority)
        ranked.append((-branch.priority, turns[key], branch.ready_at, branch))
        turns[key] += 1
    return [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])[:most]]


def _load(branches: Sequence[RunBranch], at: datetime) -> list[Claim]:
    runs = _runs({branch.run_id for branch in branches}, at)
    prepared = {run.pk: prepare_by_id(run.definition_id) for run in runs.values()}
    crowded = _runs_with_company(pk for pk, plan in prepared.items() if not plan.is_chain)
    journal = _journal(runs, branches)
    claims = [
        _claim(branch, runs[branch.run_id], prepared[branch.run_id], journal, branch.run_id not in crowded)
        for branch in branches
    ]
    _write_starts(claims, at)
    return claims


def _runs(ids: set[UUID], at: datetime) -> dict[UUID, WorkflowRun]:
    runs = WorkflowRun.objects.all_tenants().select_related("tenant").in_bulk(ids)
    waking = [run.pk for run in runs.values() if run.status != RunStatus.RUNNING]
    if waking:
        _mark_running(waking, at)
    for run in runs.values():
        run.started_at = run.started_at or at
    return runs


def _mark_running(ids: list[UUID], at: datetime) -> None:
    """Skips runs that are locked: whoever cancels one waits for the branch that this transaction holds."""
    free = db.lock_rows(WorkflowRun.objects.all_tenants().filter(pk__in=ids, status__in=OPEN), skip_locked=True)
    WorkflowRun.objects.all_tenants().filter(pk__in=free.values("pk")).update(
        status=RunStatus.RUNNING, started_at=Coalesce(F("started_at"), Value(at))
    )


def _runs_with_company(ids: Iterable[UUID]) -> set[UUID]:
    """Runs that have more than one live branch: there a commit has to agree with the others."""
    wanted = list(ids)
    if not wanted:
        return set()
    live = (
        RunBranch.objects.all_tenants()
        .filter(run_id__in=wanted)
        .exclude(status__in=(BranchStatus.ENDED, BranchStatus.CANCELLED))
    )
    count: dict[UUID, int] = defaultdict(int)
    for run_id in live.values_list("run_id", flat=True):
        count[run_id] += 1
    return {run_id for run_id, number in count.items() if number > 1}


def _journal(runs: dict[UUID, WorkflowRun], branches: Sequence[RunBranch]) -> dict[UUID, list[StepRun]]:
    """Per run: all settled steps, and whatever rows stand for the attempts that these branches are at."""
    here = Q(settled=True) | Q(branch_id__in=[branch.pk for branch in branches])
    rows = StepRun.objects.all_tenants().filter(here, run_id__in=list(runs)).defer("input")
    journal: dict[UUID, list[StepRun]] = defaultdict(list)
    for row in rows:
        journal[row.run_id].append(row)
    return journal


def _claim(
    branch: RunBranch, run: WorkflowRun, prepared: Prepared, journal: dict[UUID, list[StepRun]], alone: bool
) -> Claim:
    rows = journal[run.pk]
    settled = [row for row in rows if row.settled]
    return Claim(
        branch=branch,
        run=run,
        tenant=run.tenant,
        prepared=prepared,
        state=State.load(prepared.plan, [as_settled(row) for row in settled]),
        results={row.path: Result(row.status, row.output, row.error) for row in settled},
        start=_start(branch, rows),
        alone=alone,
        seen_seq=run.journal_seq,
    )


def as_settled(row: StepRun) -> Settled:
    return Settled(row.path, row.status, tuple(row.chosen))  # type: ignore[arg-type]


def _start(branch: RunBranch, rows: Iterable[StepRun]) -> Start:
    for row in rows:
        if row.path == branch.path and row.attempt == branch.attempt and not row.settled:
            again = row.status == StepStatus.RUNNING and row.parked is None
            return Start(row.pk, row.path, row.attempt, row.parked, again)
    return Start(UUID(int=0), branch.path, branch.attempt)


def _write_starts(claims: list[Claim], at: datetime) -> None:
    """The rows of attempts that begin now, and 'running' for those that were parked."""
    fresh = [claim for claim in claims if claim.start.step_id.int == 0]
    for claim in fresh:
        claim.start.step_id = db.uuid7()
    StepRun.objects.all_tenants().bulk_create(
        [StepRun(**start_values(claim, claim.start.path, claim.start.attempt, claim.start.step_id), started_at=at)
         for claim in fresh]
    )  # fmt: skip
    parked = [claim.start.step_id for claim in claims if claim.start.parked is not None]
    if parked:
        StepRun.objects.all_tenants().filter(pk__in=parked).update(status=StepStatus.RUNNING)


def start_values(claim: Claim, path: str, attempt: int, step_id: UUID) -> dict[str, Any]:
    task = claim.prepared.tasks[path]
    operator = OPERATORS.get(task["operator_type"])
    return {
        "step_id": step_id,
        "tenant_id": claim.branch.tenant_id,
        "run_id": claim.run.pk,
        "branch_id": claim.branch.pk,
        "path": path,
        "attempt": attempt,
        "operator": task["operator_type"],
        "tool": operator.tool(task) if operator else "",
        "status": StepStatus.RUNNING,
    }
