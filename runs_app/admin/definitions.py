from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from runs_app.admin.display import block
from runs_app.models import WorkflowDefinition
from tenants_app.admin.base import ReadOnlyTenantModelAdmin


@admin.register(WorkflowDefinition)
class DefinitionAdmin(ReadOnlyTenantModelAdmin):
    """Every definition that ever ran; content never changes."""

    list_display = ["name", "version", "short_hash", "created_at"]
    search_fields = ["name", "sha256"]
    ordering = ["-definition_id"]
    empty_hint = "A definition is stored when a template is saved or a run is started with one of its own."
    show_full_result_count = False
    fields = ["name", "version", "sha256", "created_at", "given", "warned"]
    readonly_fields = ["given", "warned"]

    @display(description="Hash")
    def short_hash(self, definition: WorkflowDefinition) -> str:
        return definition.sha256[:12]

    @display(description="Warnings")
    def warned(self, definition: WorkflowDefinition) -> str:
        return "\n".join(f"{warning['path']}: {warning['message']}" for warning in definition.warnings) or "none"

    @display(description="Definition")
    def given(self, definition: WorkflowDefinition) -> str:
        return block(definition.raw)
