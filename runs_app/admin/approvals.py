from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from highway_automation.base import clock
from highway_automation.base.errors import HighwayError, Invalid
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema_form import SchemaForm
from runs_app.actions.approvals import decide_approval
from runs_app.admin.display import duration, link
from runs_app.admin.questions import deciding, shown_data, told, waiting
from runs_app.deciders import VERB, Decider
from runs_app.models import Approval, ApprovalStatus
from tenants_app.admin.base import ReadOnlyTenantModelAdmin

COLOURS = {
    ApprovalStatus.PENDING: "info",
    ApprovalStatus.APPROVED: "success",
    ApprovalStatus.REJECTED: "danger",
    ApprovalStatus.EXPIRED: "warning",
    ApprovalStatus.CANCELLED: "warning",
}
DECISIONS = {"approve": True, "reject": False}
DONE = {True: "approved", False: "rejected"}
MOST_AT_ONCE = 500


class DecisionForm(SchemaForm):
    """What the approval asks to be answered, and a comment."""

    word = "answers"

    def __init__(self, schema: JSON, data: Any = None) -> None:
        super().__init__(schema, data)
        self.fields["comment"] = forms.CharField(
            required=False,
            max_length=10_000,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "Why? Kept with the decision."}),
        )

    def takes_others(self, schema: JSON) -> bool:
        return schema is not None and not self._properties


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyTenantModelAdmin):
    """The inbox: what waits for people, the longest waiting first; below it what was decided."""

    list_display = ["question", "status_label", "age", "run_link", "deciders", "ends"]
    list_display_links = ["question"]
    list_filter = ["status", "requested_at"]
    list_select_related = ["run"]
    search_fields = ["title", "approval_key", "description", "run__workflow_name", "=run__workflow_run_id"]
    ordering = [F("decided_at").desc(nulls_first=True), F("requested_at").asc()]
    list_before_template = "runs_app/approvals_waiting.html"
    empty_hint = "A step with tools.approval.request waits here until somebody has decided."
    show_full_result_count = False
    actions = ["approve_selected", "reject_selected"]

    class Media:
        css = {"all": ["runs_app/run.css", "runs_app/approvals.css"]}

    # The list --------------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context: Any = {**(extra_context or {}), "waiting": waiting(request)}
        return super().changelist_view(request, context)

    def look_up(self, rows: Iterable[Approval]) -> None:
        at = clock.now()
        for approval in rows:
            approval.shown_at = at  # type: ignore[attr-defined]

    @display(description="Question", header=True, ordering="title")
    def question(self, approval: Approval) -> list[str]:
        return [approval.title, approval.description.partition("\n")[0][:100] or approval.approval_key]

    @display(description="Status", label=COLOURS, ordering="status")
    def status_label(self, approval: Approval) -> tuple[str, str]:
        return approval.status, told(approval)

    @display(description="Waited", ordering="requested_at")
    def age(self, approval: Any) -> str:
        return duration(approval.requested_at, approval.decided_at or approval.shown_at)

    @display(description="Run")
    def run_link(self, approval: Approval) -> str:
        return link("runs_app_workflowrun_change", approval.run_id, approval.run.workflow_name)

    @display(description="Who decides")
    def deciders(self, approval: Approval) -> str:
        if not approval.is_pending:
            return approval.decided_by or "–"
        return ", ".join(approval.approvers) or "any operator"

    @display(description="Expires", ordering="expires_at")
    def ends(self, approval: Any) -> str:
        if approval.expires_at is None or not approval.is_pending:
            return "–"
        return f"in {duration(approval.shown_at, approval.expires_at)}"

    # Deciding many ---------------------------------------------------------------------------------------------------

    @admin.action(description="Approve…", permissions=["approve"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.decide_many(request, queryset, approved=True)

    @admin.action(description="Reject…", permissions=["approve"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.decide_many(request, queryset, approved=False)

    def decide_many(self, request: HttpRequest, queryset: QuerySet[Any], *, approved: bool) -> HttpResponse | None:
        """First asks for a comment; its answer decides each one that is pending."""
        chosen = list(queryset.select_related("run")[:MOST_AT_ONCE])
        form = DecisionForm(None, request.POST if "decide" in request.POST else None)
        if not form.is_bound or not form.is_valid():
            return self.ask_for_comment(request, chosen, form, approved=approved)
        said: dict[str, Any] = {"approved": approved, "comment": form.cleaned_data["comment"]}
        by = Decider.of(request)
        self.verb_each(request, chosen, lambda approval: decide_approval(approval, by=by, **said), DONE[approved])
        return None

    def ask_for_comment(
        self, request: HttpRequest, chosen: list[Approval], form: DecisionForm, *, approved: bool
    ) -> HttpResponse:
        pending = [approval for approval in chosen if approval.is_pending]
        context = {
            **self.admin_site.each_context(request),
            "title": "Approve these?" if approved else "Reject these?",
            "opts": self.opts,
            "approved": approved,
            "chosen": pending,
            "settled": len(chosen) - len(pending),
            "forms": [approval for approval in pending if approved and approval.form_schema],
            "form": form,
            "checkbox": ACTION_CHECKBOX_NAME,
            "action": "approve_selected" if approved else "reject_selected",
            "list_url": self.url_of("changelist"),
            "media": self.media,
        }
        return TemplateResponse(request, "runs_app/approvals_decide.html", context)

    # Deciding one ----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("<uuid:object_id>/decide/", view, name="runs_app_approval_decide"), *super().get_urls()]

    def asked_for(self, request: HttpRequest, object_id: object) -> Approval:
        approval = self.get_object(request, str(object_id))
        if approval is None or not self.has_view_permission(request, approval):
            raise Http404("There is no such approval.")
        return approval  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        approval = self.asked_for(request, object_id)
        return self.show(request, approval, DecisionForm(approval.form_schema))

    def decide_view(self, request: HttpRequest, object_id: object) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        approval = self.asked_for(request, object_id)
        if not self.may_act(request, VERB, approval):
            raise PermissionDenied
        approved = DECISIONS.get(request.POST.get("decision", ""))
        if approved is None:
            raise BadRequest("The decision is approve or reject.")
        form = DecisionForm(approval.form_schema if approved else None, request.POST)
        if form.is_valid():
            try:
                return self.decide(request, approval, form, approved=approved)
            except Invalid as error:
                form.tell(error)
        return self.show(request, approval, form)

    def decide(self, request: HttpRequest, approval: Approval, form: DecisionForm, *, approved: bool) -> HttpResponse:
        """Raises Invalid: the answers do not fit."""
        answers = form.values if approved else None
        said = {"approved": approved, "comment": form.cleaned_data["comment"], "answers": answers}
        try:
            done = decide_approval(approval, by=Decider.of(request), **said)
            self.message_user(request, f"“{done}”: {told(done)}.", "success")
        except Invalid:
            raise
        except HighwayError as error:
            self.message_user(request, error.lines(), "error")
        if request.GET.get("back") == "run":
            return HttpResponseRedirect(reverse("admin:runs_app_workflowrun_change", args=[approval.run_id]))
        return HttpResponseRedirect(self.page_of(approval.pk))

    def show(self, request: HttpRequest, approval: Approval, form: DecisionForm) -> HttpResponse:
        at = clock.now()
        context = {
            **self.admin_site.each_context(request),
            **deciding(request, approval),
            "title": approval.title,
            "opts": self.opts,
            "original": approval,
            "approval": approval,
            "told": told(approval),
            "age": duration(approval.requested_at, approval.decided_at or at),
            "left": duration(at, approval.expires_at) if approval.is_pending else "",
            "data": list(shown_data(approval.approval_data)),
            "answers": list(shown_data(approval.answers)),
            "form": form,
            "decide_url": self.url_of("decide", approval.pk),
            "list_url": self.url_of("changelist"),
            "media": self.media,
        }
        return TemplateResponse(request, "runs_app/approval.html", context)
