from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from runs_app.models import WorkflowRun
from schedules_app.models import Outcome, ScheduleTick
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, TenantTabularInline

COLOURS = {
    Outcome.SUBMITTED: "success",
    Outcome.RUN_BY_HAND: "success",
    Outcome.BUFFERED: "info",
    Outcome.SKIPPED_OVERLAP: "info",
    Outcome.SKIPPED_BY_HAND: "info",
    Outcome.MISSED: "warning",
    Outcome.FAILED_TO_SUBMIT: "danger",
}
FIELDS = ["due", "result", "reason", "late", "times", "run"]


def with_runs(ticks: QuerySet[Any]) -> QuerySet[Any]:
    """The ticks with what became of their runs."""
    runs = WorkflowRun.objects.all_tenants().filter(pk=OuterRef("workflow_run_id"))
    told: QuerySet[Any] = ticks.annotate(run_status=Subquery(runs.values("status")[:1]))
    return told


class ShowsTick:
    @admin.display(description="scheduled for", ordering="scheduled_for")
    def due(self, tick: ScheduleTick) -> str:
        return f"{tick.scheduled_for:%Y-%m-%d %H:%M:%S}"

    @display(description="outcome", label=COLOURS, ordering="outcome")
    def result(self, tick: ScheduleTick) -> tuple[str, str]:
        return tick.outcome, tick.get_outcome_display()

    @admin.display(description="late", ordering="lateness")
    def late(self, tick: ScheduleTick) -> str:
        return f"{tick.lateness:.1f} s"

    @admin.display(description="run")
    def run(self, tick: ScheduleTick) -> str:
        if tick.workflow_run_id is None:
            return "–"
        status = getattr(tick, "run_status", None)
        if status is None:
            return "purged"
        url = reverse("admin:runs_app_workflowrun_change", args=[tick.workflow_run_id])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', url, status)


class TickInline(ShowsTick, TenantTabularInline):
    """The ledger of one schedule, newest first, a page at a time."""

    model = ScheduleTick
    verbose_name_plural = "ledger"
    fields = FIELDS
    readonly_fields = FIELDS
    ordering = ["-scheduled_for", "-tick_id"]
    per_page = 20
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_runs(super().get_queryset(request))

    @admin.display(description="outcome")
    def result(self, tick: ScheduleTick) -> str:
        """The label of the lists, which an inline does not draw by itself."""
        told = {"type": COLOURS[Outcome(tick.outcome)], "text": tick.get_outcome_display()}
        return render_to_string("unfold/helpers/label.html", told)


@admin.register(ScheduleTick)
class TickAdmin(ShowsTick, ReadOnlyTenantModelAdmin):
    list_display = ["due", "schedule_name", "result", "reason", "late", "run"]
    empty_hint = "Each time of a schedule leaves a row here, whether it started a run or not."
    list_filter = ["outcome", "schedule"]
    search_fields = ["schedule_name", "reason"]
    ordering = ["-scheduled_for"]
    date_hierarchy = "scheduled_for"
    fields = ["schedule", "schedule_name", *FIELDS, "backfill_id", "created_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_runs(super().get_queryset(request))
