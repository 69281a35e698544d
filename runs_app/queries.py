"""What the pages and answers about runs show, read with a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from runs_app.models import StepLog, StepRun, WorkflowEvent, WorkflowRun
from runs_app.statuses import StepStatus

LATELY = 1000
UNDER_WAY = (StepStatus.RUNNING, StepStatus.SLEEPING, StepStatus.PENDING)


def with_current_step(runs: QuerySet[WorkflowRun]) -> QuerySet[WorkflowRun]:
    """The runs with their steps under way at hand."""
    steps = StepRun.objects.all_tenants().filter(status__in=UNDER_WAY).order_by("step_id").only("run_id", "path")
    return runs.prefetch_related(Prefetch("steps", queryset=steps, to_attr="steps_under_way"))


def current_step(run: WorkflowRun) -> str | None:
    """The id of the step that the run is at; of several the one that began last."""
    steps = getattr(run, "steps_under_way", None)
    if steps is None:
        under_way = StepRun.objects.for_tenant(run.tenant_id).filter(run=run, status__in=UNDER_WAY)
        steps = list(under_way.order_by("step_id").only("path"))
    return task_of(steps[-1].path) if steps and not run.is_final else None


def task_of(path: str) -> str:
    """The task that a step is part of, as its author named it: an activity's work has a step of its own."""
    return path.partition("#")[0]


def progress(run: WorkflowRun) -> dict[str, int]:
    """How many of the definition's tasks are settled."""
    tasks = list(run.definition.body["tasks"])
    done = StepRun.objects.for_tenant(run.tenant_id).filter(run=run, settled=True, path__in=tasks).count()
    return {"completed": done, "total": len(tasks)}


def logs_of(run: WorkflowRun) -> dict[tuple[str, int], str]:
    rows = StepLog.objects.for_tenant(run.tenant_id).filter(run=run)
    return {(path, attempt): text for path, attempt, text in rows.values_list("path", "attempt", "text")}


def step_runs_now(tenant_id: str, run_id: UUID, step_key: str) -> bool:
    """Whether the step with this key (`run:path`) is running: only then is its token good."""
    path = step_key.removeprefix(f"{run_id}:")
    steps = StepRun.objects.for_tenant(tenant_id).filter(run_id=run_id, path=path, status=StepStatus.RUNNING)
    return steps.exists()


def steps_of(run: WorkflowRun) -> QuerySet[StepRun]:
    """Every attempt, in the order in which they began."""
    return StepRun.objects.for_tenant(run.tenant_id).filter(run=run).order_by("step_id")


def signals_of(run: WorkflowRun) -> QuerySet[WorkflowEvent]:
    """What was sent to this run from outside; its own activities' ends are no signals."""
    own = WorkflowEvent.objects.for_tenant(run.tenant_id).filter(run=run, emitted_by=None)
    return own.order_by("workflow_event_id")


def waiting(step: StepRun) -> dict[str, str | None] | None:
    """What a sleeping step waits for and until when at most; None for any other step."""
    if step.status != StepStatus.SLEEPING or not step.parked:
        return None
    return {"what": step.parked.get("note") or None, "until": step.parked.get("until")}


def lately(tenant_ids: Collection[str]) -> dict[tuple[str, str], str]:
    """(tenant, workflow name) → the status of its newest run, among the newest thousand: an answer at a steady cost."""
    runs = WorkflowRun.objects.all_tenants().filter(tenant_id__in=tenant_ids).order_by("-workflow_run_id")
    newest = list(runs.values_list("tenant_id", "workflow_name", "status")[:LATELY])
    return {(tenant_id, name): status for tenant_id, name, status in reversed(newest)}
