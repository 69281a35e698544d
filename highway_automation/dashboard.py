"""The admin's front page: how the last day went, what comes next, what is late or failed, and who is alive."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince, timeuntil

from highway_automation.base.clock import lease_now, now
from runs_app.models import Approval, ApprovalStatus, RunBranch, Worker, WorkflowRun
from runs_app.statuses import OPEN, BranchStatus, RunStatus
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from schedules_app.models.choices import Outcome as TickOutcome
from templates_app.models import WorkflowTemplate
from tenants_app.models import OutboxMail
from tenants_app.models.outbox import MailStatus
from tenants_app.roles import may
from tenants_app.scoping import TenantModel, TenantQuerySet
from triggers_app.models import Event, TriggerDelivery
from triggers_app.models.delivery import Outcome as DeliveryOutcome

M = TypeVar("M", bound=TenantModel)
Context = dict[str, Any]
PERIOD = timedelta(hours=24)
LATE_AFTER = timedelta(seconds=60)
SHOWN = 6


def dashboard(request: HttpRequest, context: Context) -> Context:
    """Called by unfold for the index page; everything is limited to the tenant of the switch. The page asks for itself
    again every few seconds and takes over what changed.
    """
    at = now()
    counted = count_runs(request, at)
    alive = processes()
    return context | {
        "title": "Overview",
        "at": at,
        "whole": getattr(request, "tenant", None) is None,
        "counters": counters(request, counted, at),
        "hours": hours(counted, at),
        "statuses": [(status.value, count_of(counted, status)) for status in RunStatus],
        "upcoming": upcoming(request, at),
        "troubles": [*late_schedules(request, at), *failed_runs(request, at)],
        "approvals": waiting_approvals(request, at),
        "processes": alive,
        "missing": [kind for kind in ("worker", "scheduler") if kind not in {row["kind"] for row in alive}],
        "first_steps": first_steps(request, counted),
    }


def scoped(model: type[M], request: HttpRequest) -> TenantQuerySet[M]:
    rows: TenantQuerySet[M] = TenantQuerySet(model)
    tenant = getattr(request, "tenant", None)
    if tenant is not None:
        return rows.for_tenant(tenant)
    return rows.all_tenants() if request.user.is_superuser else rows.none()


def approvals_waiting(request: HttpRequest) -> int:
    """The badge in the side bar."""
    return scoped(Approval, request).filter(status=ApprovalStatus.PENDING).count()


def failed_mails(request: HttpRequest) -> int:
    """The badge of the Outbox."""
    return scoped(OutboxMail, request).filter(status=MailStatus.FAILED).count()


def page(model: str, *args: object, **query: object) -> str:
    """The list of a model, filtered, or the page of one object."""
    url = reverse(f"admin:{model}_{'change' if args else 'changelist'}", args=args)
    return f"{url}?{urlencode(query)}" if query else url


# Numbers -------------------------------------------------------------------------------------------------------------


def recent(request: HttpRequest, at: datetime) -> TenantQuerySet[WorkflowRun]:
    """The runs of the last day, found by their time-ordered ids: no other index starts with the time."""
    since = UUID(int=int((lease_now() - PERIOD).timestamp() * 1000) << 80)
    return scoped(WorkflowRun, request).filter(pk__gte=since, created_at__gte=at - PERIOD)


def count_runs(request: HttpRequest, at: datetime) -> list[tuple[datetime, str, int]]:
    """(hour, status, how many) of the runs of the last day."""
    by_hour = recent(request, at).order_by().annotate(hour=TruncHour("created_at")).values_list("hour", "status")
    return list(by_hour.annotate(count=Count("pk")))


def count_of(counted: list[tuple[datetime, str, int]], *statuses: RunStatus) -> int:
    return sum(count for _, status, count in counted if status in statuses)


def counters(request: HttpRequest, counted: list[tuple[datetime, str, int]], at: datetime) -> list[Context]:
    """The tiles: what each counts, where a click leads, and whether it is bad that there are any."""
    runs, day = "runs_app_workflowrun", {"created_at__gte": at - PERIOD}
    whole, failed = count_of(counted, *RunStatus), count_of(counted, RunStatus.FAILED)
    open_now: Counter[str] = Counter(
        dict(scoped(WorkflowRun, request).filter(status__in=OPEN).values_list("status").annotate(Count("pk")))
    )
    ready = scoped(RunBranch, request).filter(status=BranchStatus.READY).count()
    events = scoped(Event, request).filter(dispatched_at=None).count()
    ticks = scoped(ScheduleTick, request).filter(outcome=TickOutcome.FAILED_TO_SUBMIT, **day).count()
    deliveries = scoped(TriggerDelivery, request).filter(outcome=DeliveryOutcome.FAILED, **day).count()
    mails = failed_mails(request)
    return [
        tile("Runs", whole, "in 24 hours", page(runs)),
        tile("Failed", failed, share(failed, whole), page(runs, status__exact="failed"), bad=failed),
        tile("Going on", open_now.total(), f"{open_now['sleeping']} asleep", page(runs, open="1")),
        tile("Queue", ready + events, f"{ready} steps, {events} events", page("runs_app_worker")),
        tile("Approvals", approvals_waiting(request), "wait for a person", page("runs_app_approval")),
        tile(
            "Never started",
            ticks + deliveries,
            f"{ticks} times, {deliveries} events",
            page("schedules_app_scheduletick", outcome__exact=TickOutcome.FAILED_TO_SUBMIT.value)
            if ticks or not deliveries
            else page("triggers_app_triggerdelivery", outcome__exact=DeliveryOutcome.FAILED.value),
            bad=ticks + deliveries,
        ),
        tile("Mail", mails, "could not be sent", page("tenants_app_outboxmail", status__exact="failed"), bad=mails),
    ]


def tile(title: str, value: int, note: str, url: str, *, bad: int = 0) -> Context:
    return {"title": title, "value": value, "note": note, "url": url, "bad": bool(bad)}


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} of them" if whole else "in 24 hours"


def hours(counted: list[tuple[datetime, str, int]], at: datetime) -> list[Context]:
    """The bars of the chart: one per hour, each with its statuses and their heights in per cent of the highest bar."""
    last = at.replace(minute=0, second=0, microsecond=0)
    bars: dict[datetime, Counter[str]] = {last - timedelta(hours=back): Counter() for back in range(23, -1, -1)}
    for hour, status, count in counted:
        if hour in bars:
            bars[hour][status] += count
    highest = max([1, *(bar.total() for bar in bars.values())])
    return [
        {
            "label": f"{hour:%H}:00",
            "count": bar.total(),
            "told": ", ".join(f"{bar[status]} {status.value}" for status in RunStatus if bar[status]) or "no runs",
            "parts": [(status.value, f"{bar[status] / highest * 100:.2f}") for status in RunStatus if bar[status]],
            "highest": bar.total() == highest,
        }
        for hour, bar in bars.items()
    ]


# Lists ---------------------------------------------------------------------------------------------------------------


def upcoming(request: HttpRequest, at: datetime) -> list[Context]:
    due = scoped(ScheduledWorkflow, request).filter(enabled=True, next_run_at__gte=at).order_by("next_run_at")
    return [
        {
            "name": row.name,
            "url": page("schedules_app_scheduledworkflow", row.pk),
            "at": row.next_run_at,
            "in": until(row.next_run_at or at, at),
            "tenant": row.tenant_id,
        }
        for row in due[:SHOWN]
    ]


def until(moment: datetime, at: datetime) -> str:
    seconds = (moment - at).total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else timeuntil(moment, at, depth=1)


def since(moment: datetime, at: datetime) -> str:
    seconds = (at - moment).total_seconds()
    return f"{max(seconds, 0):.0f} s" if seconds < 60 else timesince(moment, at, depth=1)


def late_schedules(request: HttpRequest, at: datetime) -> list[Context]:
    late = scoped(ScheduledWorkflow, request).filter(enabled=True, next_run_at__lt=at - LATE_AFTER)
    return [
        {
            "kind": "late",
            "name": row.name,
            "url": page("schedules_app_scheduledworkflow", row.pk),
            "since": since(row.next_run_at or at, at),
            "why": "This schedule is due and no scheduler fired it.",
            "tenant": row.tenant_id,
        }
        for row in late.order_by("next_run_at")[:SHOWN]
    ]


def failed_runs(request: HttpRequest, at: datetime) -> list[Context]:
    failed = recent(request, at).filter(status=RunStatus.FAILED).order_by("-workflow_run_id")
    return [
        {
            "kind": "failed",
            "name": run.workflow_name,
            "url": page("runs_app_workflowrun", run.pk),
            "since": since(run.finished_at or run.created_at, at),
            "why": run.error[:200],
            "tenant": run.tenant_id,
        }
        for run in failed.defer("inputs", "variables", "context", "result")[:SHOWN]
    ]


def waiting_approvals(request: HttpRequest, at: datetime) -> list[Context]:
    pending = scoped(Approval, request).filter(status=ApprovalStatus.PENDING).order_by("requested_at")
    return [
        {
            "name": row.title,
            "url": page("runs_app_approval", row.pk),
            "since": since(row.requested_at, at),
            "tenant": row.tenant_id,
        }
        for row in pending[:SHOWN]
    ]


def processes() -> list[Context]:
    """Workers and schedulers that sent a heartbeat within a lease; they serve every tenant."""
    at = lease_now()
    alive = Worker.objects.filter(heartbeat_at__gte=at - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS))
    return [
        {
            "name": row.worker_id,
            "kind": row.kind,
            "load": f"{row.busy} of {row.capacity}" if row.capacity else "",
            "percent": round(row.busy / row.capacity * 100) if row.capacity else 0,
            "lag": f"{row.lag:.1f} s late" if row.kind == "scheduler" else "",
            "heard": f"{max(0.0, (at - row.heartbeat_at).total_seconds()):.0f} s ago",
        }
        for row in alive.order_by("kind", "worker_id")
    ]


def first_steps(request: HttpRequest, counted: list[tuple[datetime, str, int]]) -> Context | None:
    """What to do in a tenant that has no template yet; None where work is under way."""
    if counted or scoped(WorkflowTemplate, request).exists():
        return None
    return {
        "may_edit": getattr(request, "tenant", None) is not None and may(getattr(request, "role", None), "edit"),
        "choose": getattr(request, "tenant", None) is None,
    }
