from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from highway_automation.base.admin import JSONInput, SafeJSONField
from highway_automation.base.errors import HighwayError
from runs_app.admin.display import LABELS
from runs_app.picture import draw
from runs_app.queries import lately
from templates_app import actions
from templates_app.actions.edit import FIELDS, Warnings
from templates_app.admin.fields import TagsField
from templates_app.admin.run_form import RunForm
from templates_app.admin.versions import VersionInline
from templates_app.models import WorkflowTemplate
from tenants_app.access import person
from tenants_app.admin.base import object_action
from tenants_app.admin.importing import ImportableAdmin


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    tags = TagsField(required=False, help_text="Separated by commas.", widget=UnfoldAdminTextInputWidget)
    workflow_definition = SafeJSONField(
        help_text="In the definition language, as JSON.",
        widget=JSONInput(24),
    )
    input_schema = SafeJSONField(
        required=False,
        help_text="JSON Schema (2020-12) of the inputs, as Pydantic emits it. Empty: any inputs.",
        widget=JSONInput(12),
    )
    description = forms.CharField(
        required=False, max_length=10_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    comment = forms.CharField(
        required=False,
        max_length=2000,
        help_text="What changes, and why: kept with the version.",
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = WorkflowTemplate
        fields = [*FIELDS]


@admin.register(WorkflowTemplate)
class TemplateAdmin(ImportableAdmin):
    """Templates: edited with versions, run by a form of their inputs."""

    form = TemplateForm
    list_display = ["name", "category", "shown_tags", "state", "version", "last_run", "updated_at"]
    empty_hint = "Add a workflow to run by name, or import files with `manage.py import_templates`."
    list_filter = ["enabled", "category"]
    search_fields = ["name", "description", "category"]
    ordering = ["name"]
    readonly_fields = ["version", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["name", "description", "category", "tags", "enabled"]}),
        ("What it does", {"fields": ["workflow_definition", "input_schema", "comment"]}),
        ("History", {"fields": ["version", "created_at", "updated_at"]}),
    ]
    shown_fieldsets = [(None, {"fields": ["name", "description", "category", "shown_tags", "enabled"]}), *fieldsets[1:]]
    add_fieldsets = fieldsets[:2]
    inlines = [VersionInline]
    importer = actions.TemplateImporter
    actions = ["enable_selected", "disable_selected"]
    object_actions = ["run", "clone", "enable", "disable"]
    change_form_before_template = "templates_app/picture.html"

    class Media:
        css = {"all": ["runs_app/run.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("tenant")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "name"] if obj is not None else list(self.readonly_fields)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj is not None else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self.fieldsets if self.has_change_permission(request, obj) else self.shown_fieldsets

    @admin.display(description="tags")
    def shown_tags(self, template: WorkflowTemplate) -> str:
        return ", ".join(template.tags) or "–"

    @display(description="state", label={"enabled": "success", "disabled": "warning"})
    def state(self, template: WorkflowTemplate) -> str:
        return "enabled" if template.enabled else "disabled"

    def look_up(self, rows: Iterable[WorkflowTemplate]) -> None:
        found = lately({template.tenant_id for template in rows})
        for template in rows:
            template.newest = found.get((template.tenant_id, template.name), "–")  # type: ignore[attr-defined]

    @display(description="last run", label=LABELS)
    def last_run(self, template: Any) -> str:
        return str(template.newest)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None and obj.definition is not None:
            tasks = obj.definition.body["tasks"]
            runs = reverse(f"{self.admin_site.name}:runs_app_workflowrun_changelist")
            context["runs_url"] = f"{runs}?{urlencode({'workflow_name': obj.name})}"
            context["picture"] = draw(tasks, dict.fromkeys(tasks, ""))
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    # Saving ----------------------------------------------------------------------------------------------------------

    def perform_save(self, request: HttpRequest, obj: WorkflowTemplate, form: Any, change: bool) -> WorkflowTemplate:
        wanted = set(form.changed_data) if change else set(FIELDS)
        values = {name: form.cleaned_data[name] for name in FIELDS if name in wanted & form.cleaned_data.keys()}
        about: dict[str, Any] = {"actor": person(request), "comment": form.cleaned_data["comment"]}
        if change:
            saved, warnings = actions.update_template(obj, values, **about)
        else:
            saved, warnings = actions.create_template(obj.tenant, values, **about)
        self.warn(request, warnings)
        return saved

    def warn(self, request: HttpRequest, warnings: Warnings) -> None:
        for warning in warnings:
            self.message_user(request, f"{warning['path']}: {warning['message']}", "warning")

    def perform_delete(self, request: HttpRequest, obj: WorkflowTemplate) -> None:
        actions.delete_template(obj)

    # Actions ---------------------------------------------------------------------------------------------------------

    @object_action("Run…", "run", primary=True, when=lambda template: template.enabled)
    def run(self, request: HttpRequest, obj: WorkflowTemplate) -> HttpResponse:
        return HttpResponseRedirect(self.url_of("run", obj.pk))

    @object_action("Clone", "edit")
    def clone(self, request: HttpRequest, obj: WorkflowTemplate) -> HttpResponse:
        copy, warnings = actions.clone_template(obj, actor=person(request))
        self.message_user(request, f"This is the copy, {copy}; enable it when it is ready.")
        self.warn(request, warnings)
        return HttpResponseRedirect(self.page_of(copy.pk))

    @object_action("Enable", "edit", when=lambda template: not template.enabled)
    def enable(self, request: HttpRequest, obj: WorkflowTemplate) -> None:
        self.verb(request, lambda: actions.set_enabled(obj, True), f"{obj} is enabled.")

    @object_action("Disable", "edit", when=lambda template: template.enabled)
    def disable(self, request: HttpRequest, obj: WorkflowTemplate) -> None:
        self.verb(request, lambda: actions.set_enabled(obj, False), f"{obj} is disabled: it starts no new runs.")

    @admin.action(description="Enable", permissions=["edit"])
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, lambda template: actions.set_enabled(template, True), "enabled")

    @admin.action(description="Disable", permissions=["edit"])
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, lambda template: actions.set_enabled(template, False), "disabled")

    # Running and rolling back ----------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        views = {"run": ("<uuid:object_id>/run/", self.run_view), "rollback": (ROLLBACK, self.rollback_view)}
        own = [
            path(route, self.admin_site.admin_view(view), name=f"templates_app_workflowtemplate_{name}")
            for name, (route, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def asked_for(self, request: HttpRequest, object_id: UUID, verb: str) -> WorkflowTemplate:
        template = self.get_object(request, str(object_id))
        if template is None:
            raise Http404("There is no such template.")
        if not self.may_act(request, verb, template):
            raise PermissionDenied
        return template  # type: ignore[no-any-return]

    def run_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The form of the template's inputs; its POST starts a run and goes to its page."""
        template = self.asked_for(request, object_id, "run")
        form = RunForm(template.input_schema, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            try:
                return self.start(request, template, form)
            except HighwayError as error:
                form.tell(error)
        context = {**self.admin_site.each_context(request), "title": f"Run {template}", "opts": self.opts}
        context |= {"template": template, "form": form, "page": self.page_of(template.pk)}
        return TemplateResponse(request, "templates_app/run.html", context)

    def start(self, request: HttpRequest, template: WorkflowTemplate, form: RunForm) -> HttpResponse:
        run, created = actions.run_template(
            template, form.inputs, actor=person(request), idempotency_key=form.idempotency_key
        )
        url = reverse("admin:runs_app_workflowrun_change", args=[run.pk])
        told = "Started run" if created else "This was started already: run"
        self.message_user(request, format_html('{} <a class="underline" href="{}">{}</a>.', told, url, run.pk))
        return HttpResponseRedirect(url)

    def rollback_view(self, request: HttpRequest, object_id: UUID, number: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        template = self.asked_for(request, object_id, "edit")
        done = self.verb(
            request,
            lambda: actions.rollback(template, number, actor=person(request)),
            lambda result: f"Version {result[0].version} is what version {number} was.",
        )
        self.warn(request, done[1] if done else [])
        return HttpResponseRedirect(self.page_of(template.pk))


ROLLBACK = "<uuid:object_id>/rollback/<int:number>/"
