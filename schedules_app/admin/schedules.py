from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from highway_automation.base import clock
from runs_app.models import WorkflowRun
from runs_app.statuses import OPEN, RunStatus
from schedules_app import actions
from schedules_app.admin.forms import COLUMNS, ScheduleForm
from schedules_app.admin.ticks import COLOURS, TickInline
from schedules_app.admin.times import ShowsTimes
from schedules_app.models import FailureStreak, Outcome, ScheduledWorkflow, ScheduleTick
from schedules_app.preview import in_words
from tenants_app.admin.base import object_action
from tenants_app.admin.importing import ImportableAdmin

ENDS = {
    **COLOURS,
    RunStatus.COMPLETED: "success",
    RunStatus.FAILED: "danger",
    RunStatus.CANCELLED: "warning",
    **dict.fromkeys(OPEN, "info"),
}


@admin.register(ScheduledWorkflow)
class ScheduleAdmin(ShowsTimes, ImportableAdmin):
    form = ScheduleForm
    list_display = ["name", "words", "starts", "state", "next_run_at", "last_run_at", "last_outcome"]
    empty_hint = "Say at what times a template starts; each time then gets a row in the schedule's ledger."
    list_filter = ["enabled", "overlap", "catch_up", "template"]
    list_select_related = ["template", "definition"]
    search_fields = ["name", "cron_expression", "template__name"]
    ordering = ["name"]
    readonly_fields = [
        "next_times",
        "next_run_at",
        "last_run_at",
        "execution_count",
        "last_error",
        "failing",
        "created_at",
    ]
    fieldsets = [
        ("When", {"fields": ["name", "cron_expression", "timezone", "next_times"]}),
        ("Start what", {"fields": ["template", "template_version", "inputs"]}),
        (
            "A definition of its own, instead of a template",
            {"fields": ["workflow_definition"], "classes": ["collapse"]},
        ),
        ("Clock changes and day fields", {"fields": ["day_or", "dst_gap", "dst_overlap"], "classes": ["collapse"]}),
        (
            "Overlap, missed times, first and last time",
            {
                "fields": [
                    *("overlap", "catch_up", "catch_up_window", "start_at", "end_at", "remaining_runs", "spread"),
                ],
                "classes": ["collapse"],
            },
        ),
        (
            "Pausing",
            {"fields": ["enabled", "pause_note", "pause_until", "pause_after_failures"], "classes": ["collapse"]},
        ),
    ]
    change_fieldsets = [
        *fieldsets,
        ("Who is told when it fails", {"fields": ["owner"], "classes": ["collapse"]}),
        ("So far", {"fields": readonly_fields[1:]}),
    ]
    inlines = [TickInline]
    importer = actions.ScheduleImporter
    actions = ["run_selected", "skip_selected", "pause_selected", "resume_selected"]
    object_actions = ["run", "skip", "pause", "resume"]

    class Media:
        js = ["schedules_app/preview.js"]

    @admin.display(description="times")
    def words(self, schedule: ScheduledWorkflow) -> str:
        return in_words(schedule) if schedule.cron_expression else "–"

    @admin.display(description="starts")
    def starts(self, schedule: ScheduledWorkflow) -> str:
        version = f" v{schedule.template_version}" if schedule.template_version else ""
        if schedule.template is not None:
            return f"{schedule.template.name}{version}"
        return schedule.definition.name if schedule.definition else "a definition of its own"

    @admin.display(description="failing")
    def failing(self, schedule: ScheduledWorkflow) -> str:
        streak = FailureStreak.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule).first()
        if streak is None or not streak.in_a_row:
            return "no"
        return f"{streak.in_a_row} in a row since {streak.failing_since:%Y-%m-%d %H:%M:%S} UTC"

    @display(description="state", label={"enabled": "success", "paused": "warning"})
    def state(self, schedule: ScheduledWorkflow) -> tuple[str, str]:
        if schedule.enabled:
            return ("enabled", "enabled")
        return ("paused", format_html('<span title="{}">paused</span>', schedule.pause_note))

    @display(description="last outcome", label=ENDS)
    def last_outcome(self, schedule: Any) -> tuple[str, str] | None:
        """What became of the run, where one was started; else the ledger's own word."""
        if not schedule.outcome:
            return None
        status = schedule.run_status
        return (status, f"Run {status}") if status else (schedule.outcome, Outcome(schedule.outcome).label)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the latest row of the ledger; a time to come that was skipped is not the latest yet."""
        ticks = ScheduleTick.objects.all_tenants().filter(schedule=OuterRef("pk"), scheduled_for__lte=clock.now())
        latest = ticks.order_by("-scheduled_for", "-tick_id")
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.annotate(
            outcome=Subquery(latest.values("outcome")[:1]), last_run=Subquery(latest.values("workflow_run_id")[:1])
        )
        return rows

    def look_up(self, rows: Iterable[Any]) -> None:
        runs = WorkflowRun.objects.all_tenants().filter(pk__in={row.last_run for row in rows if row.last_run})
        statuses = dict(runs.values_list("pk", "status"))
        for row in rows:
            row.run_status = statuses.get(row.last_run)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.change_fieldsets if obj is not None else self.fieldsets

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj is not None else []

    def perform_save(self, request: HttpRequest, obj: ScheduledWorkflow, form: Any, change: bool) -> ScheduledWorkflow:
        values = {name: form.cleaned_data[name] for name in COLUMNS if name in form.cleaned_data}
        if change:
            values = {name: value for name, value in values.items() if name in form.changed_data}
            saved, warnings = actions.update_schedule(obj, values)
        else:
            user: Any = request.user
            saved, warnings = actions.create_schedule(obj.tenant, values, actor=user)
        for warning in warnings:
            self.message_user(request, f"{warning['path']}: {warning['message']}", "warning")
        return saved

    def perform_delete(self, request: HttpRequest, obj: ScheduledWorkflow) -> None:
        actions.delete_schedule(obj)

    @object_action("Run now", "run", primary=True)
    def run(self, request: HttpRequest, obj: ScheduledWorkflow) -> None:
        user: Any = request.user
        self.verb(request, lambda: actions.run_now(obj, actor=user), lambda made: started(made[0]))

    @object_action(
        "Skip next",
        "operate",
        confirm="Leave out the next time of this schedule?",
        when=lambda schedule: schedule.enabled,
    )
    def skip(self, request: HttpRequest, obj: ScheduledWorkflow) -> None:
        user: Any = request.user
        skipped = obj.next_run_at
        self.verb(
            request,
            lambda: actions.skip_next(obj, actor=user),
            lambda row: f"{at(skipped)} is skipped. {coming(row)}",
        )

    @object_action("Pause", "operate", when=lambda schedule: schedule.enabled)
    def pause(self, request: HttpRequest, obj: ScheduledWorkflow) -> None:
        self.verb(request, lambda: actions.pause_schedule(obj), "It is paused: its times pass by.")

    @object_action("Resume", "operate", when=lambda schedule: not schedule.enabled)
    def resume(self, request: HttpRequest, obj: ScheduledWorkflow) -> None:
        self.verb(request, lambda: actions.resume_schedule(obj), coming)

    @admin.action(description="Run now", permissions=["run"])
    def run_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        user: Any = request.user
        self.verb_each(request, queryset, lambda row: actions.run_now(row, actor=user), "started")

    @admin.action(description="Skip the next time", permissions=["operate"])
    def skip_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        user: Any = request.user
        self.verb_each(request, queryset, lambda row: actions.skip_next(row, actor=user), "skipped")

    @admin.action(description="Pause", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.pause_schedule, "paused")

    @admin.action(description="Resume", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.resume_schedule, "resumed")


def started(run: WorkflowRun) -> str:
    url = reverse("admin:runs_app_workflowrun_change", args=[run.pk])
    return format_html('Started: <a class="underline" href="{}">run {}</a>.', url, run.pk)


def coming(schedule: ScheduledWorkflow) -> str:
    return f"The next run is at {at(schedule.next_run_at)}." if schedule.next_run_at else "No time is left."


def at(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "The next time"
