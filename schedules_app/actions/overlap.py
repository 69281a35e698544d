"""What a time does while earlier runs of its schedule are open."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from runs_app.actions.cancel import cancel_if_open
from runs_app.models import WorkflowRun
from schedules_app.models import Outcome, Overlap, ScheduledWorkflow, ScheduleTick

MOST_WAITING = 1_000
GIVES_WAY = {Overlap.CANCEL_OTHER: "cancelled", Overlap.TERMINATE_OTHER: "terminated"}

Verdict = tuple[Outcome, str]


def verdict(schedule: ScheduledWorkflow) -> Verdict | None:
    """Why nothing starts now, if so: the time is left out, or waits."""
    if schedule.overlap == Overlap.SKIP and (run_id := open_run(schedule)):
        return Outcome.SKIPPED_OVERLAP, f"Run {run_id} is still open."
    if schedule.overlap in (Overlap.BUFFER_ONE, Overlap.BUFFER_ALL):
        return _buffered(schedule)
    return None


def _buffered(schedule: ScheduledWorkflow) -> Verdict | None:
    most = 1 if schedule.overlap == Overlap.BUFFER_ONE else MOST_WAITING
    waiting = ScheduleTick.objects.for_tenant(schedule.tenant_id).waiting().filter(schedule=schedule)
    number = waiting[:most].count()
    if number >= most:
        return Outcome.SKIPPED_OVERLAP, f"{number} time{'s are' if number > 1 else ' is'} waiting already."
    run_id = open_run(schedule)
    if run_id is None and not number:
        return None
    return Outcome.BUFFERED, f"It starts when run {run_id} has ended." if run_id else "It starts after those before it."


def make_way(schedule: ScheduledWorkflow) -> str:
    """End what is open where the policy says so; what was done, for the ledger. Cancelling a run ends it at once and
    kills its step, so terminating has nothing to add but its name.
    """
    how = GIVES_WAY.get(Overlap(schedule.overlap))
    if how is None:
        return ""
    reason = f"{how} by its schedule, whose next time came."
    ended = [run.pk for run in open_runs(schedule) if cancel_if_open(run, reason)]
    return " ".join(f"Run {pk} was {how} for it." for pk in ended)


def open_runs(schedule: ScheduledWorkflow) -> QuerySet[WorkflowRun]:
    """The runs of this schedule that have not ended, the oldest first."""
    runs = WorkflowRun.objects.for_tenant(schedule.tenant_id).filter(cause_kind="schedule", cause_id=str(schedule.pk))
    found: QuerySet[WorkflowRun] = runs.open().order_by("pk")
    return found


def open_run(schedule: ScheduledWorkflow) -> UUID | None:
    first: UUID | None = open_runs(schedule).values_list("pk", flat=True).first()
    return first
