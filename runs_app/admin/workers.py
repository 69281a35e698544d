from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from highway_automation.base import clock
from highway_automation.base.admin import Page, PlainModelAdmin
from runs_app.admin.display import duration, link
from runs_app.models import RunBranch, Worker
from runs_app.statuses import BranchStatus
from tenants_app.admin.base import rows_for

SHOWN_BRANCHES = 100


class State(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alive", "Alive"), ("silent", "Silent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:
        since = clock.lease_now() - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS)
        if self.value() == "alive":
            return queryset.filter(heartbeat_at__gte=since)
        return queryset.filter(heartbeat_at__lt=since) if self.value() == "silent" else queryset


@admin.register(Worker)
class WorkerAdmin(PlainModelAdmin):
    """Who is alive: workers and schedulers serve all tenants, so everyone who is signed in may look."""

    list_display = ["worker_id", "kind", "alive", "heard", "load", "late", "up_for"]
    list_filter = [State, "kind", "host"]
    search_fields = ["worker_id", "host"]
    ordering = ["-heartbeat_at"]
    fields = ["worker_id", "kind", "alive", "host", "pid", "started_at", "heartbeat_at", "load", "late", "drives"]
    readonly_fields = fields
    empty_hint = "Nobody is there to carry out runs. `make up` starts a worker and a scheduler."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Page]:
        return Page

    def look_up(self, rows: Iterable[Any]) -> None:
        at = clock.lease_now()
        for worker in rows:
            worker.seen_at = at

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        worker = super().get_object(request, object_id, from_field)
        if worker is not None:
            self.look_up([worker])
            running = rows_for(RunBranch, request).filter(worker=worker.pk, status=BranchStatus.RUNNING)
            worker.branches = list(running.select_related("run").order_by("run_id", "path")[:SHOWN_BRANCHES])
        return worker

    @display(description="State", label={"alive": "success", "silent": "danger"})
    def alive(self, worker: Any) -> str:
        silent = (worker.seen_at - worker.heartbeat_at).total_seconds()
        return "alive" if silent < settings.HIGHWAY_LEASE_SECONDS else "silent"

    @admin.display(description="Heard", ordering="heartbeat_at")
    def heard(self, worker: Any) -> str:
        return f"{duration(worker.heartbeat_at, worker.seen_at)} ago"

    @admin.display(description="Load", ordering="busy")
    def load(self, worker: Worker) -> str:
        if not worker.capacity:
            return "–"
        bar = '<progress class="hw-load" value="{}" max="{}"></progress> {} of {}'
        return format_html(bar, worker.busy, worker.capacity, worker.busy, worker.capacity)

    @admin.display(description="Fires late by", ordering="lag")
    def late(self, worker: Worker) -> str:
        return f"{worker.lag:.1f} s" if worker.kind == "scheduler" else "–"

    @admin.display(description="Up for", ordering="-started_at")
    def up_for(self, worker: Any) -> str:
        return duration(worker.started_at, worker.seen_at)

    @admin.display(description="Drives now")
    def drives(self, worker: Any) -> str:
        """Only the branches of the tenant that is looked at."""
        rows = [
            (link("runs_app_workflowrun_change", branch.run_id, branch.run.workflow_name), branch.path)
            for branch in worker.branches
        ]
        return format_html_join("", "<div>{} {}</div>", rows) or "nothing of yours"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
