"""`/api/v1/workflows/definitions` and its other spellings: definitions as they were given."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from runs_app.models import WorkflowDefinition, WorkflowName
from tenants_app.api.base import ListAndGet, TenantViewSet


class DefinitionSerializer(serializers.ModelSerializer[WorkflowDefinition]):
    workflow_name = serializers.CharField(source="name")
    definition_hash = serializers.CharField(source="sha256")

    class Meta:
        model = WorkflowDefinition
        fields = ["definition_id", "workflow_name", "version", "tenant_id", "definition_hash", "created_at"]
        read_only_fields = fields


class DefinitionDetailSerializer(DefinitionSerializer):
    definition_json = serializers.JSONField(source="raw", help_text="As it was given.")
    json_dsl = serializers.JSONField(source="body", help_text="The canonical form, which is what runs.")
    python_dsl = serializers.SerializerMethodField(help_text="Always null: source is compiled once and not kept.")
    warnings = serializers.JSONField()

    class Meta(DefinitionSerializer.Meta):
        fields = [*DefinitionSerializer.Meta.fields, "definition_json", "json_dsl", "python_dsl", "warnings"]
        read_only_fields = fields

    def get_python_dsl(self, definition: WorkflowDefinition) -> str | None:
        return None


class DefinitionViewSet(ListAndGet):
    """What runs have run. Equal content is the same definition; none ever changes."""

    model = WorkflowDefinition
    queryset = WorkflowDefinition.objects.none()
    plural = "definitions"
    serializer_class = DefinitionDetailSerializer
    lookup_field = "definition_id"
    filterset_fields = ["name", "sha256"]
    search_fields = ["name", "sha256"]
    ordering_fields = ["created_at", "name"]
    ordering = ["-definition_id"]

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows.defer("raw", "body", "warnings") if self.action == "list" else rows

    def get_serializer_class(self) -> Any:
        return DefinitionSerializer if self.action == "list" else DefinitionDetailSerializer


class DefinitionByHashViewSet(DefinitionViewSet):
    """The same, by the hash of the content."""

    lookup_field = "sha256"
    lookup_url_kwarg = "hash"
    lookup_value_regex = "[0-9a-f]{64}"


class PublishedViewSet(TenantViewSet):
    """What a published name means in one of its versions, as child workflows read it."""

    model = WorkflowDefinition
    queryset = WorkflowDefinition.objects.none()
    plural = "definitions"
    serializer_class = DefinitionDetailSerializer
    lookup_url_kwarg = "version"
    lookup_value_regex = "[0-9]{1,9}"

    def get_object(self) -> WorkflowDefinition:
        names = WorkflowName.objects.for_tenant(self.tenant).select_related("definition")
        return get_object_or_404(names, name=self.kwargs["name"], version=int(self.kwargs["version"])).definition

    @extend_schema(parameters=[OpenApiParameter("name", str, "path"), OpenApiParameter("version", int, "path")])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())
