"""`/api/v1/artifacts`: the code that `tools.python.run` runs, as the published Driver uploads it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.errors import NotFound
from runs_app.actions import delete_artifact, store_artifact
from runs_app.api.uploads import ZIP, ZipParser, ZipRenderer, refuse_long, uploaded
from runs_app.artifacts import find_artifact
from runs_app.models import Artifact
from tenants_app.api.base import ListAndGet


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    artifact_id = serializers.CharField(source="sha256", help_text="The SHA-256 of the zip.")

    class Meta:
        model = Artifact
        fields = ["artifact_id", "name", "size", "created_at", "used_at"]
        read_only_fields = fields


class StoredSerializer(serializers.Serializer[Any]):
    artifact_id = serializers.CharField(help_text="The SHA-256 of the zip.")
    size = serializers.IntegerField(help_text="Bytes.")


class UploadSerializer(serializers.Serializer[Any]):
    artifact = serializers.FileField(help_text="The zip.")


class ExistsSerializer(serializers.Serializer[Any]):
    exists = serializers.BooleanField()
    artifact_id = serializers.CharField()


class ArtifactViewSet(ListAndGet):
    """Zips of Python files. The id is the hash of the content, so sending the same zip again is harmless."""

    model = Artifact
    queryset = Artifact.objects.none()
    plural = "artifacts"
    parser_classes = [MultiPartParser, ZipParser]
    serializer_class = ArtifactSerializer
    lookup_field = "sha256"
    lookup_url_kwarg = "artifact_id"
    verbs = {"create": "run", "exists": "view"}
    search_fields = ["name", "sha256"]
    ordering_fields = ["created_at", "used_at", "size", "name"]
    ordering = ["-id"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_long(request)  # first of all: checking a session's CSRF token reads a multipart body
        super().initial(request, *args, **kwargs)

    def get_serializer_class(self) -> Any:
        return UploadSerializer if self.action == "create" else ArtifactSerializer

    def get_renderers(self) -> list[Any]:
        reading = getattr(self, "action", None) == "retrieve"
        return [ZipRenderer(), JSONRenderer()] if reading else super().get_renderers()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("content")

    def get_object(self) -> Artifact:
        return find_artifact(self.tenant, self.kwargs["artifact_id"])

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first; `count` is Highway's word for `total`."""
        listed = super().list(request, *args, **kwargs)
        return Response({**listed.data, "count": listed.data["total"]})

    @extend_schema(
        request={"multipart/form-data": UploadSerializer, ZIP: OpenApiTypes.BINARY},
        responses={201: StoredSerializer, 200: OpenApiResponse(StoredSerializer, "It was stored already.")},
    )
    def create(self, request: Request) -> Response:
        """Stores a zip: 201, or 200 when the tenant has the same one already."""
        artifact, new = store_artifact(self.tenant, *uploaded(request))
        return Response({"artifact_id": artifact.sha256, "size": artifact.size}, status=201 if new else 200)

    @extend_schema(responses={(200, ZIP): OpenApiTypes.BINARY})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The zip itself."""
        artifact = self.get_object()
        name = f'attachment; filename="{artifact.sha256[:12]}.zip"'
        headers = {"Content-Disposition": name, "ETag": f'"{artifact.sha256}"'}
        return Response(bytes(artifact.content), content_type=ZIP, headers=headers)

    @extend_schema(responses=ExistsSerializer)
    @action(detail=True, methods=["get"])
    def exists(self, request: Request, artifact_id: str) -> Response:
        """Whether the tenant has this zip, so that it need not be sent again."""
        try:
            found = self.get_object().sha256
        except NotFound:
            return Response({"exists": False, "artifact_id": artifact_id})
        return Response({"exists": True, "artifact_id": found})

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        delete_artifact(self.get_object())
        return Response(status=204)
