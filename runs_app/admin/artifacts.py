from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from runs_app.models import Artifact
from tenants_app.admin.base import ReadOnlyTenantModelAdmin


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyTenantModelAdmin):
    """Uploaded code; it comes and goes over the API."""

    list_display = ["name", "short_hash", "file_size", "created_at", "used_at"]
    search_fields = ["name", "sha256"]
    ordering = ["-id"]
    empty_hint = (
        "Highway's Driver uploads the functions that tools.python.run is to call; so does POST /api/v1/artifacts."
    )
    show_full_result_count = False
    fields = ["name", "sha256", "file_size", "created_at", "used_at"]
    readonly_fields = ["file_size"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content")

    @display(description="Hash")
    def short_hash(self, artifact: Artifact) -> str:
        return artifact.sha256[:12]

    @display(description="Size")
    def file_size(self, artifact: Artifact) -> str:
        return filesizeformat(artifact.size)
