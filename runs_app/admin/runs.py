from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import formats, timezone
from django.utils.html import format_html
from unfold.decorators import display

from highway_automation.base import clock
from runs_app.actions import cancel_run, run_again
from runs_app.admin.display import LABELS, block, duration, link, pretty
from runs_app.admin.questions import questions_of
from runs_app.causes import names_of, page_of
from runs_app.models import StepRun, WorkflowRun
from runs_app.picture import draw
from runs_app.queries import logs_of, steps_of, task_of, waiting
from runs_app.statuses import FINAL, OPEN
from tenants_app.access import person
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, object_action

SHOWN_STEPS = 500


class GoingOn(admin.SimpleListFilter):
    title = "going on"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Going on"), ("0", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        statuses = {"1": OPEN, "0": FINAL}.get(str(self.value()))
        return queryset.filter(status__in=statuses) if statuses else queryset


@admin.register(WorkflowRun)
class RunAdmin(ReadOnlyTenantModelAdmin):
    """Runs with their steps, which show how they go on without reloading the page."""

    list_display = ["workflow_name", "status_label", "cause", "created_at", "took", "short_error"]
    list_filter = [GoingOn, "status", "cause_kind", "workflow_name", "created_at"]
    search_fields = ["workflow_name", "error", "idempotency_key", "cause_id", "=workflow_run_id"]
    ordering = ["-workflow_run_id"]
    list_per_page = 50
    empty_hint = "Run a template from its page, or let a schedule or a trigger do it."
    show_full_result_count = False
    actions = ["cancel_runs", "run_again_selected"]
    object_actions = ["again", "cancel"]
    change_form_before_template = "runs_app/run_live.html"
    fieldsets = [
        (None, {"fields": ["workflow_run_id", "cause", "actor", "template_version", "definition_link", "priority"]}),
        ("When", {"fields": ["created_at", "deadline_at"]}),
        ("What it was given", {"fields": ["inputs_text", "context_text", "idempotency_key"]}),
    ]
    readonly_fields = ["cause", "definition_link", "inputs_text", "context_text"]

    class Media:
        css = {"all": ["runs_app/run.css", "runs_app/approvals.css"]}
        js = ["runs_app/run.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("definition").defer("definition__raw")

    @display(description="Status", label=LABELS, ordering="status")
    def status_label(self, run: WorkflowRun) -> str:
        return run.status

    def look_up(self, rows: Iterable[WorkflowRun]) -> None:
        names, at = names_of(rows), clock.now()
        for run in rows:
            run.shown_at = at  # type: ignore[attr-defined]
            run.cause_name = names.get((run.cause_kind, run.cause_id), "")  # type: ignore[attr-defined]

    @display(description="Cause")
    def cause(self, run: WorkflowRun) -> str:
        if not hasattr(run, "cause_name"):
            self.look_up([run])
        name = run.cause_name  # type: ignore[attr-defined]
        return (
            format_html("{} {}", run.cause_kind, link(page_of(run.cause_kind), run.cause_id, name))
            if name
            else run.cause_kind
        )

    @display(description="Took")
    def took(self, run: WorkflowRun) -> str:
        return duration(run.started_at, run.finished_at or run.shown_at)  # type: ignore[attr-defined]

    @display(description="Error")
    def short_error(self, run: WorkflowRun) -> str:
        return run.error[:120]

    @display(description="Definition")
    def definition_link(self, run: WorkflowRun) -> str:
        return link("runs_app_workflowdefinition_change", run.definition_id, run.definition)

    @display(description="Inputs")
    def inputs_text(self, run: WorkflowRun) -> str:
        return block(run.inputs)

    @display(description="Event or schedule")
    def context_text(self, run: WorkflowRun) -> str:
        return block(run.context)

    @object_action(
        "Cancel", verb="operate", confirm="Stop this run now?", danger=True, when=lambda run: not run.is_final
    )
    def cancel(self, request: HttpRequest, run: WorkflowRun) -> None:
        self.verb(request, lambda: cancel_run(run, actor=request.user), "The run was cancelled.")  # type: ignore[arg-type]

    @object_action("Run again", verb="run", when=lambda run: run.is_final)
    def again(self, request: HttpRequest, run: WorkflowRun) -> HttpResponse | None:
        started = self.verb(request, lambda: run_again(run, actor=person(request)), told_again)
        return HttpResponseRedirect(self.page_of(started.pk)) if started else None

    @admin.action(description="Run again from the beginning", permissions=["run"])
    def run_again_selected(self, request: HttpRequest, queryset: QuerySet[WorkflowRun]) -> None:
        self.verb_each(request, queryset, lambda run: run_again(run, actor=person(request)), "started again")

    @admin.action(description="Cancel selected runs", permissions=["operate"])
    def cancel_runs(self, request: HttpRequest, queryset: QuerySet[WorkflowRun]) -> None:
        self.verb_each(request, queryset, lambda run: cancel_run(run, actor=request.user), "cancelled")  # type: ignore[arg-type]

    def get_urls(self) -> list[URLPattern]:
        live = path(
            "<path:object_id>/live/", self.admin_site.admin_view(self.live_view), name="runs_app_workflowrun_live"
        )
        return [live, *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the page that changes while a run goes on."""
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            raise Http404("There is no such run.")
        return render(request, "runs_app/run_steps.html", live_context(run, request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        live = {**live_context(run, request), "live_url": self.url_of("live", run.pk)} if run else {}
        context = {**(extra_context or {}), **live, "show_close": True}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]


def told_again(run: WorkflowRun) -> str:
    return f"This is a new run of {run.workflow_name}, with the same definition and inputs as before."


def live_context(run: WorkflowRun, request: HttpRequest) -> dict[str, Any]:
    steps = list(steps_of(run)[:SHOWN_STEPS])
    logs, at = logs_of(run), clock.now()
    picture = draw(run.definition.body["tasks"], {task_of(step.path): step.status for step in steps})
    return {
        "run": run,
        "questions": questions_of(request, run),
        "label": LABELS[run.status],
        "took": duration(run.started_at, run.finished_at or at),
        "rows": [_row(run, step, logs.get((step.path, step.attempt), ""), at) for step in steps],
        "result": pretty(run.result) if run.result is not None else "",
        "picture": picture,
    }


def _row(run: WorkflowRun, step: StepRun, log: str, at: datetime) -> dict[str, Any]:
    """A step with its place on the time line, in per cent of the run."""
    begun = run.started_at or run.created_at
    whole = max(((run.finished_at or at) - begun).total_seconds(), 0.001)
    start, end = step.started_at or step.finished_at or at, step.finished_at or at
    left = min(max((start - begun).total_seconds() / whole * 100, 0), 99)
    return {
        "step": step,
        "took": duration(step.started_at, end) if step.started_at else "–",
        "left": f"{left:.2f}",
        "width": f"{max(min((end - start).total_seconds() / whole * 100, 100 - left), 0.6):.2f}",
        "input": pretty(step.input) if step.input is not None else "",
        "output": pretty(step.output) if step.output is not None else "",
        "log": log,
        "waiting": _waiting(step),
    }


def _waiting(step: StepRun) -> str:
    """`waiting for event go until 24 Nov 2026, 10:00`; nothing for a step that does not sleep."""
    told = waiting(step)
    if told is None:
        return ""
    what = f" for {told['what']}" if told["what"] else ""
    until = formats.localize(timezone.localtime(datetime.fromisoformat(told["until"]))) if told["until"] else ""
    return f"waiting{what}{f' until {until}' if until else ''}"
