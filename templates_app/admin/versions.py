from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from highway_automation.base.safe_json import JSON
from templates_app.models import TemplateVersion
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, TenantTabularInline
from tenants_app.roles import may


class VersionInline(TenantTabularInline):
    """A template's versions, newest first; rolling back is a POST beside the page's own form."""

    model = TemplateVersion
    fields = ["shown", "author", "comment", "created_at", "back"]
    readonly_fields = fields
    ordering = ["-number"]
    per_page = 20
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self.may_edit = may(getattr(request, "role", None), "edit")
        rows = super().get_queryset(request).select_related("template", "author")
        return rows.defer("input_schema", "template__workflow_definition", "template__input_schema")

    @admin.display(description="version")
    def shown(self, version: TemplateVersion) -> SafeString:
        url = reverse("admin:templates_app_templateversion_change", args=[version.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', url, version)

    @admin.display(description="")
    def back(self, version: TemplateVersion) -> str | SafeString:
        if version.number == version.template.version:
            return "current"
        if not self.may_edit:
            return ""
        url = reverse("admin:templates_app_workflowtemplate_rollback", args=[version.template_id, version.number])
        return format_html(
            '<button type="submit" formmethod="post" formaction="{}" formnovalidate '
            'class="border border-base-200 cursor-pointer px-2 py-1 rounded-default">Roll back to {}</button>',
            url,
            version,
        )


@admin.register(TemplateVersion)
class VersionAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["template", "number", "author", "comment", "created_at"]
    list_filter = ["template"]
    empty_hint = "Each change of a template's definition or input form makes a version."
    list_select_related = ["template", "author"]
    search_fields = ["template__name", "comment"]
    ordering = ["-version_id"]
    fields = ["template", "number", "author", "comment", "created_at", "changes", "definition_text", "schema_text"]
    readonly_fields = fields

    @admin.display(description="workflow definition")
    def definition_text(self, version: TemplateVersion) -> SafeString:
        return _block(_pretty(version.definition.raw))

    @admin.display(description="input schema")
    def schema_text(self, version: TemplateVersion) -> SafeString:
        return _block(_pretty(version.input_schema))

    @admin.display(description="from this to the current version")
    def changes(self, version: TemplateVersion) -> SafeString:
        """What has changed since, as a unified diff."""
        if version.number == version.template.version:
            return _block("This is the current version.")
        now = version.template
        pairs = [(version.definition.raw, now.workflow_definition), (version.input_schema, now.input_schema)]
        lines = [
            line for before, after in pairs for line in _differences(before, after, str(version), f"v{now.version}")
        ]
        return _block("\n".join(lines) or "Nothing.")


def _differences(before: JSON, after: JSON, old: str, new: str) -> Iterator[str]:
    return difflib.unified_diff(_pretty(before).splitlines(), _pretty(after).splitlines(), old, new, lineterm="")


def _pretty(value: JSON) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _block(text: str) -> SafeString:
    return format_html('<pre class="overflow-auto whitespace-pre">{}</pre>', text)
