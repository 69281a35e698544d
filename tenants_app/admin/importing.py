"""Import and export of a list's rows: upload, see the plan, apply exactly that; download as YAML or CSV."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from highway_automation.base import safe_json
from highway_automation.base.bulk.reading import Reading
from highway_automation.base.bulk.records import ImportRefused, Problem
from highway_automation.base.bulk.sources import Unreadable, Uploaded, decoded
from highway_automation.base.bulk.writing import all_as_yaml, as_csv
from highway_automation.base.errors import HighwayError
from tenants_app.access import person
from tenants_app.actions.drafts import drop_draft, find_draft, keep_draft, show_again
from tenants_app.actions.importing import Importer, Plan
from tenants_app.admin.base import TenantModelAdmin
from tenants_app.models import ImportDraft

SHOWN = 500
MEBIBYTE = 1024 * 1024


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, as (name → text); all of them together have a largest size."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> dict[str, str]:
        files = data or [None]
        uploads = [super(FilesField, self).clean(file, initial) for file in files]
        size, most = sum(file.size for file in uploads), settings.HIGHWAY_IMPORT_BYTES
        if size > most:
            told = f"These are {size / MEBIBYTE:.1f} MiB; at most {most / MEBIBYTE:g} MiB can be uploaded at once."
            raise ValidationError(f"{told} Split the file, or import it on the server with manage.py.")
        texts = {file.name: self.text(file.name, file.read()) for file in uploads}
        if len(texts) < len(uploads):
            raise ValidationError("Two of the files have the same name.")
        return texts

    def text(self, name: str, data: bytes) -> str:
        try:
            text = decoded(name, data)
        except Unreadable as error:
            raise ValidationError(str(error.problem)) from None
        if safe_json.UNSTORABLE.search(text):
            raise ValidationError(f"{name} holds NUL characters; save it as UTF-8 text.")
        return text


class UploadForm(forms.Form):
    uploads = FilesField()


class ImportableAdmin(TenantModelAdmin):
    """A list with Import… and Export. A subclass says how its rows are imported and what of them is exported."""

    importer: ClassVar[type[Importer[Any]]]
    list_before_template = "tenants_app/import_link.html"

    # Export ----------------------------------------------------------------------------------------------------------

    @admin.action(description="Export as YAML")
    def export_yaml(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        text = all_as_yaml(self.importer.layout, self.exported(queryset))
        return self.download(text, "yaml", "application/yaml")

    @admin.action(description="Export as CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        text = as_csv(self.importer.layout, self.exported(queryset))
        return self.download(text, "csv", "text/csv; charset=utf-8")

    def exported(self, rows: QuerySet[Any]) -> list[dict[str, Any]]:
        return sorted(map(self.importer.exported, rows), key=itemgetter("name"))

    def download(self, text: str, suffix: str, kind: str) -> HttpResponse:
        name = f"{self.importer.layout.plural}.{suffix}"
        return HttpResponse(text, kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def get_actions(self, request: HttpRequest) -> Any:
        more = {name: self.get_action(name) for name in ("export_yaml", "export_csv")}
        return {**super().get_actions(request), **more}

    # Import ----------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        start, second = map(self.admin_site.admin_view, (self.import_view, self.apply_view))
        own = [
            path("import/", start, name=f"{name}_import"),
            path("import/<uuid:draft_id>/", second, name=f"{name}_apply"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        url = self.url_of("import") if self.has_add_permission(request) else ""
        return super().changelist_view(request, {"import_url": url, **(extra_context or {})})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """The form; its POST shows the plan, or everything that is wrong."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if not form.is_bound or not form.is_valid():
            return self.page(request, form=form)
        files = form.cleaned_data["uploads"]
        try:
            plan = self.planned(request, files)[1]
        except ImportRefused as error:
            return self.page(request, form=UploadForm(), problems=error.problems)
        tenant, user = request.tenant, person(request)  # type: ignore[attr-defined]
        assert user is not None  # noqa: S101 - nobody else sees the admin
        draft = keep_draft(tenant, user, self.importer.layout.plural, files, plan.digest)
        return self.page(request, plan=plan, draft=draft)

    def apply_view(self, request: HttpRequest, draft_id: UUID) -> HttpResponse:
        """Do exactly what was shown; where rows have changed since, show what would be done now."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        user = person(request)
        if user is None or not self.has_add_permission(request):
            raise PermissionDenied
        try:
            draft = find_draft(request.tenant, user, self.importer.layout.plural, draft_id)  # type: ignore[attr-defined]
            importer, plan = self.planned(request, draft.files)
            if plan.digest != draft.plan_digest:
                show_again(draft, plan.digest)
                self.message_user(request, "Rows have changed since; this is the plan now.", messages.WARNING)
                return self.page(request, plan=plan, draft=draft)
            importer.apply(plan)
        except ImportRefused as error:
            return self.page(request, form=UploadForm(), problems=error.problems)
        except HighwayError as error:
            self.message_user(request, error.lines(), messages.ERROR)
            return HttpResponseRedirect(self.url_of("import"))
        drop_draft(draft)
        self.message_user(request, "{create} created, {update} updated, {unchanged} unchanged.".format(**plan.counts))
        return HttpResponseRedirect(self.url_of("changelist"))

    def planned(self, request: HttpRequest, files: dict[str, str]) -> tuple[Importer[Any], Plan[Any]]:
        """Raises ImportRefused."""
        importer = self.importer(request.tenant, actor=person(request))  # type: ignore[attr-defined]
        reading = Reading(Uploaded(files), importer.layout, importer.compiler()).run()
        return importer, importer.plan(reading.records, reading.problems)

    def page(
        self,
        request: HttpRequest,
        *,
        form: UploadForm | None = None,
        plan: Plan[Any] | None = None,
        draft: ImportDraft | None = None,
        problems: list[Problem] | None = None,
    ) -> HttpResponse:
        layout = self.importer.layout
        told = [item for item in plan.items if item.action != "unchanged" or item.warnings] if plan else []
        context = {
            **self.admin_site.each_context(request),
            "title": f"Import {layout.plural}",
            "opts": self.opts,
            "layout": layout,
            "columns": ", ".join(layout.columns),
            "suffixes": ", ".join((".yaml", ".yml", ".json", ".csv", *([".py"] if self.importer.compiler() else []))),
            "most": f"{settings.HIGHWAY_IMPORT_BYTES / MEBIBYTE:g} MiB",
            "form": form,
            "plan": plan,
            "items": told[:SHOWN],
            "more_items": max(len(told) - SHOWN, 0),
            "problems": (problems or [])[:SHOWN],
            "more_problems": max(len(problems or []) - SHOWN, 0),
            "apply_url": self.url_of("apply", draft.pk) if draft else "",
            "list_url": self.url_of("changelist"),
            "import_url": self.url_of("import"),
        }
        return TemplateResponse(request, "tenants_app/import.html", context, status=422 if problems else 200)
