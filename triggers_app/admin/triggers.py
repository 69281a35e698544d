from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.decorators import display

from highway_automation.base import safe_json
from templates_app.models import WorkflowTemplate
from tenants_app.admin.base import object_action, rows_for, tenant_of
from tenants_app.admin.importing import ImportableAdmin
from triggers_app import actions
from triggers_app.admin.deliveries import OfTrigger
from triggers_app.admin.display import link_to
from triggers_app.admin.help import START_WHAT, WHICH_EVENTS
from triggers_app.explanation import explain_trigger
from triggers_app.models import Event, EventTrigger
from triggers_app.queries import recent_events

COLUMNS = [
    "name",
    "event_type",
    "filter_expression",
    "source_match",
    "subject_match",
    "template",
    "template_version",
    "workflow_definition",
    "input_mapping",
    "mode",
    "max_depth",
    "enabled",
]
MATCHING = ("event_type", "source_match", "subject_match")
OFFERED_EVENTS = 20


@admin.register(EventTrigger)
class TriggerAdmin(ImportableAdmin):
    list_display = ["name", "event_type", "starts", "state", "created_at"]
    empty_hint = "Say which events start a template, and what of the event becomes its inputs."
    list_filter = ["enabled", "mode", "event_type", "template"]
    list_select_related = ["template", "definition"]
    search_fields = ["name", "event_type"]
    ordering = ["name"]
    fieldsets = [
        (
            "Which events",
            {
                "fields": ["name", "event_type", "filter_expression", "source_match", "subject_match"],
                "description": WHICH_EVENTS,
            },
        ),
        ("Start what", {"fields": ["template", "template_version", "input_mapping"], "description": START_WHAT}),
        (
            "A definition of its own, instead of a template",
            {"fields": ["workflow_definition"], "classes": ["collapse"]},
        ),
        ("How", {"fields": ["mode", "max_depth", "enabled"]}),
    ]
    importer = actions.TriggerImporter
    actions = ["pause_selected", "resume_selected"]
    object_actions = ["pause", "resume"]
    inlines = [OfTrigger]
    change_form_before_template = "triggers_app/trial.html"

    class Media:
        js = ["triggers_app/trial.js"]

    @admin.display(description="starts")
    def starts(self, trigger: EventTrigger) -> SafeString | str:
        if trigger.template is not None:
            version = f" v{trigger.template_version}" if trigger.template_version else ""
            return link_to(trigger.template, f"{trigger.template.name}{version}")
        return trigger.definition.name if trigger.definition else "a definition of its own"

    @display(description="state", label={"live": "success", "shadow": "info", "paused": "warning"})
    def state(self, trigger: EventTrigger) -> str:
        return trigger.mode if trigger.enabled else "paused"

    def perform_save(self, request: HttpRequest, obj: EventTrigger, form: Any, change: bool) -> Model:
        values = {name: form.cleaned_data[name] for name in COLUMNS if name in form.cleaned_data}
        if change:
            saved, warnings = actions.update_trigger(obj, values)
        else:
            saved, warnings = actions.create_trigger(obj.tenant, values)
        for warning in warnings:
            self.message_user(request, f"{warning['path']}: {warning['message']}", "warning")
        return saved

    def perform_delete(self, request: HttpRequest, obj: EventTrigger) -> None:
        actions.delete_trigger(obj)

    @object_action("Pause", "operate", when=lambda trigger: trigger.enabled)
    def pause(self, request: HttpRequest, obj: EventTrigger) -> None:
        self.verb(request, lambda: actions.pause_trigger(obj), "It is paused: events pass it by.")

    @object_action("Resume", "operate", when=lambda trigger: not trigger.enabled)
    def resume(self, request: HttpRequest, obj: EventTrigger) -> None:
        self.verb(request, lambda: actions.resume_trigger(obj), "It answers events again.")

    @admin.action(description="Pause", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.pause_trigger, "paused")

    @admin.action(description="Resume", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.resume_trigger, "resumed")

    # The live test: what the form says now, against an event that really happened -----------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.trial_view)
        return [path("trial/", view, name="triggers_app_eventtrigger_trial"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        tenant_id = obj.tenant_id if obj is not None else tenant_of(request)
        event_type = obj.event_type if obj is not None else ""
        context["trial_url"] = self.url_of("trial")
        context["trial_events"] = recent_events(tenant_id, event_type, OFFERED_EVENTS) if tenant_id else []
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def trial_view(self, request: HttpRequest) -> HttpResponse:
        """A fragment: every condition of the form's filter with what the chosen event has there."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = row(rows_for(Event, request), request.POST.get("event"))
        if event is None:
            return self.told(request, problem="Choose an event.")
        try:
            trigger = self.trigger_of(request, event)
        except safe_json.UnsafeJSON as error:
            return self.told(request, problem=str(error))
        explanation = explain_trigger(trigger, event)
        inputs = None if explanation.inputs is None else json.dumps(explanation.inputs, indent=2, ensure_ascii=False)
        return self.told(request, explanation=explanation, inputs=inputs)

    def trigger_of(self, request: HttpRequest, event: Event) -> EventTrigger:
        """The trigger as the form describes it, unsaved; as it is stored for those whose page has no form. Raises
        UnsafeJSON for a text that is no JSON.
        """
        sent = request.POST
        stored = row(rows_for(EventTrigger, request), sent.get("trigger"))
        if stored is not None and "event_type" not in sent:
            return stored  # type: ignore[no-any-return]
        texts = {name: sent.get(name, "").strip() for name in MATCHING}
        template = row(rows_for(WorkflowTemplate, request).filter(tenant=event.tenant_id), sent.get("template"))
        version = sent.get("template_version", "")
        depth = sent.get("max_depth", "")
        return EventTrigger(
            tenant=event.tenant,
            **texts,
            filter_expression=json_of("The filter", sent.get("filter_expression")),
            input_mapping=json_of("The input mapping", sent.get("input_mapping")),
            workflow_definition=json_of("The definition", sent.get("workflow_definition")),
            template=template,
            template_version=int(version) if version.isdecimal() else None,
            max_depth=int(depth) if depth.isdecimal() else 5,
        )

    def told(self, request: HttpRequest, **context: Any) -> HttpResponse:
        return render(request, "triggers_app/explanation.html", context)


def row(rows: QuerySet[Any], key: str | None) -> Any:
    try:
        return rows.filter(pk=UUID(key or "")).first()
    except ValueError:
        return None


def json_of(what: str, text: str | None) -> Any:
    if not text or not text.strip():
        return None
    try:
        return safe_json.parse(text)
    except safe_json.UnsafeJSON as error:
        raise safe_json.UnsafeJSON(f"{what}: {error}") from None
