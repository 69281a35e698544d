"""The admin's front page: how the last day went, what comes next, what is late or failed, and who is alive."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Model
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil

from highway_automation.base.clock import lease_now, now
from runs_app.models import Approval, ApprovalStatus, RunBranch, Worker, WorkflowRun
from runs_app.statuses import BranchStatus, RunStatus
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from schedules_app.models.choices import Outcome as TickOutcome
from tenants_app.scoping import TenantModel, TenantQuerySet
from triggers_app.models import TriggerDelivery
from triggers_app.models.delivery import Outcome as DeliveryOutcome

M = TypeVar("M", bound=TenantModel)
Context = dict[str, Any]
PERIOD = timedelta(hours=24)
LATE_AFTER = timedelta(seconds=60)
SHOWN = 10
COLORS = {
    RunStatus.PENDING: "var(--color-base-400)",
    RunStatus.RUNNING: "var(--color-primary-500)",
    RunStatus.SLEEPING: "var(--color-primary-300)",
    RunStatus.COMPLETED: "#22c55e",
    RunStatus.FAILED: "#ef4444",
    RunStatus.CANCELLED: "#f59e0b",
}


def dashboard(request: HttpRequest, context: Context) -> Context:
    """Called by unfold for the index page; everything is limited to the tenant of the switch."""
    at = now()
    counted = count_runs(request, at)
    return context | {
        "title": "Overview",
        "counters": counters(request, counted, at),
        "runs_chart": json.dumps(chart(counted, at)),
        "upcoming": table(("schedule", "fires", "in"), upcoming(request, at)),
        "late": table(("what", "since", "why"), [*late_schedules(request, at), *failed_runs(request, at)]),
        "processes": table(("process", "kind", "busy", "heartbeat"), processes()),
    }


def scoped(model: type[M], request: HttpRequest) -> TenantQuerySet[M]:
    rows: TenantQuerySet[M] = TenantQuerySet(model)
    tenant = getattr(request, "tenant", None)
    if tenant is not None:
        return rows.for_tenant(tenant)
    return rows.all_tenants() if request.user.is_superuser else rows.none()


def approvals_waiting(request: HttpRequest) -> int:
    """Also the badge in the side bar."""
    return scoped(Approval, request).filter(status=ApprovalStatus.PENDING).count()


def table(headers: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Context:
    return {"headers": headers, "rows": list(rows)}


def link(obj: Model, text: str = "") -> str:
    meta = obj._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text or obj)


def recent(request: HttpRequest, at: datetime) -> TenantQuerySet[WorkflowRun]:
    """The runs of the last day, found by their time-ordered ids: no other index starts with the time."""
    since = UUID(int=int((lease_now() - PERIOD).timestamp() * 1000) << 80)
    return scoped(WorkflowRun, request).filter(pk__gte=since, created_at__gte=at - PERIOD)


def count_runs(request: HttpRequest, at: datetime) -> list[tuple[datetime, str, int]]:
    """(hour, status, how many) of the runs of the last day."""
    by_hour = recent(request, at).order_by().annotate(hour=TruncHour("created_at")).values_list("hour", "status")
    return list(by_hour.annotate(count=Count("pk")))


def counters(request: HttpRequest, counted: list[tuple[datetime, str, int]], at: datetime) -> list[Context]:
    def of(*statuses: RunStatus) -> int:
        return sum(count for _, status, count in counted if status in statuses)

    waiting = scoped(RunBranch, request).filter(status=BranchStatus.READY).count()
    day = {"created_at__gte": at - PERIOD}
    ticks = scoped(ScheduleTick, request).filter(outcome=TickOutcome.FAILED_TO_SUBMIT, **day)
    deliveries = scoped(TriggerDelivery, request).filter(outcome=DeliveryOutcome.FAILED, **day)
    return [
        {"title": "Runs, last 24 hours", "value": sum(count for *_, count in counted)},
        {"title": "Completed", "value": of(RunStatus.COMPLETED)},
        {"title": "Failed", "value": of(RunStatus.FAILED)},
        {"title": "Running or sleeping", "value": of(RunStatus.RUNNING, RunStatus.SLEEPING)},
        {"title": "Branches waiting for a worker", "value": waiting},
        {"title": "Approvals waiting", "value": approvals_waiting(request)},
        {"title": "Starts that failed", "value": ticks.count() + deliveries.count()},
    ]


def chart(counted: list[tuple[datetime, str, int]], at: datetime) -> Context:
    """Bars per hour, stacked by status, as Chart.js takes them."""
    last = at.replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=back) for back in range(23, -1, -1)]
    numbers = {(hour, status): count for hour, status, count in counted}
    datasets = [
        {
            "label": status.label,
            "data": [numbers.get((hour, status.value), 0) for hour in hours],
            "backgroundColor": color,
            "stack": "runs",
            "displayYAxis": True,
        }
        for status, color in COLORS.items()
    ]
    return {"labels": [f"{hour:%H}:00" for hour in hours], "datasets": datasets}


def upcoming(request: HttpRequest, at: datetime) -> list[tuple[object, ...]]:
    due = scoped(ScheduledWorkflow, request).filter(enabled=True, next_run_at__gte=at).order_by("next_run_at")
    fires = ((row, row.next_run_at or at) for row in due[:SHOWN])
    return [(link(row), f"{moment:%Y-%m-%d %H:%M:%S} UTC", until(moment, at)) for row, moment in fires]


def until(moment: datetime, at: datetime) -> str:
    seconds = (moment - at).total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else timeuntil(moment, at)


def late_schedules(request: HttpRequest, at: datetime) -> list[tuple[object, ...]]:
    late = scoped(ScheduledWorkflow, request).filter(enabled=True, next_run_at__lt=at - LATE_AFTER)
    return [
        (link(row), timesince(row.next_run_at or at, at), "This schedule is due and no scheduler fired it.")
        for row in late.order_by("next_run_at")[:SHOWN]
    ]


def failed_runs(request: HttpRequest, at: datetime) -> list[tuple[object, ...]]:
    failed = recent(request, at).filter(status=RunStatus.FAILED).order_by("-workflow_run_id")[:SHOWN]
    return [
        (link(run, run.workflow_name), timesince(run.finished_at or run.created_at, at), run.error[:200])
        for run in failed
    ]


def processes() -> list[tuple[object, ...]]:
    """Workers and schedulers that sent a heartbeat within a lease; they serve every tenant."""
    at = lease_now()
    alive = Worker.objects.filter(heartbeat_at__gte=at - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS))
    return [
        (
            row.worker_id,
            row.kind,
            f"{row.busy} of {row.capacity}" if row.capacity else "",
            f"{seconds(row, at):.0f} s ago",
        )
        for row in alive.order_by("kind", "worker_id")
    ]


def seconds(row: Worker, at: datetime) -> float:
    return max(0.0, (at - row.heartbeat_at).total_seconds())
