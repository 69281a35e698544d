from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api.filters import refuse_unknown
from highway_automation.base.db import lists  # noqa: F401  (makes `list_has` known)
from highway_automation.base.errors import Invalid
from highway_automation.base.schema import fill_and_validate
from templates_app import actions
from templates_app.actions.edit import Warnings, find_version
from templates_app.api.serializers import (
    ChangedTemplateSerializer,
    RollbackSerializer,
    RunTemplateSerializer,
    StartedSerializer,
    TemplateSerializer,
    ValidateInputsSerializer,
    VerdictSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.api.base import ListAndGet, TenantFilterSet

KEY_HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
INTEGER = 2_147_483_647


class TemplateFilters(TenantFilterSet):
    tag = CharFilter(field_name="tags", lookup_expr="list_has")

    class Meta:
        model = WorkflowTemplate
        fields = ["name", "category", "enabled"]


class TemplateViewSet(ListAndGet):
    """Workflows that are run by name, with parameters."""

    model = WorkflowTemplate
    queryset = WorkflowTemplate.objects.none()
    plural = "templates"
    idempotent = {"run"}
    lookup_field = "name"
    serializer_class = TemplateSerializer
    verbs: ClassVar[dict[str, str]] = {
        "run": "run",
        "versions": "view",
        "version": "view",
        "rollback": "edit",
        "validate": "view",
        "validate_new": "view",
    }
    filterset_class = TemplateFilters
    search_fields = ["name", "description", "category"]
    ordering_fields = ["name", "category", "created_at", "updated_at", "version"]
    ordering = ["name"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("tenant")

    def get_serializer_class(self) -> Any:
        changing = {"update", "partial_update"}
        return ChangedTemplateSerializer if self.action in changing else TemplateSerializer

    def represent(self, obj: Any) -> Any:
        return TemplateSerializer(obj, context=self.get_serializer_context()).data

    def create(self, request: Request) -> Response:
        values = self.body(TemplateSerializer, request)
        comment = values.pop("comment", "")
        made, warnings = actions.create_template(self.tenant, values, actor=self.actor, comment=comment)
        return self.answer_with(made, warnings, status.HTTP_201_CREATED)

    def update(self, request: Request, name: str) -> Response:
        """Changes what the body names; a field that is left out stays as it is, for PUT as for PATCH."""
        return self.change(request)

    def partial_update(self, request: Request, name: str) -> Response:
        """Changes what the body names."""
        return self.change(request)

    def change(self, request: Request) -> Response:
        template = self.get_object()
        values = self.body(ChangedTemplateSerializer, request, template, partial=True)
        comment = values.pop("comment", "")
        changed, warnings = actions.update_template(template, values, actor=self.actor, comment=comment)
        return self.answer_with(changed, warnings)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, name: str) -> Response:
        """Answers 409 naming them while schedules or triggers use it."""
        actions.delete_template(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RunTemplateSerializer, responses={202: StartedSerializer, 200: StartedSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, name: str) -> Response:
        """Start a run: 202, or 200 with the first run where the idempotency key was used before."""
        template = self.get_object()
        given = self.body(RunTemplateSerializer, request)
        headers = [request.headers[header] for header in KEY_HEADERS if header in request.headers]
        key = given.get("idempotency_key") or next(iter(headers), None)
        run, created = actions.run_template(template, given["inputs"], actor=self.actor, idempotency_key=key)
        started = {"workflow_run_id": str(run.pk), "status": run.status, "template": template.name}
        return Response({**started, "version": run.template_version}, status=202 if created else 200)

    @extend_schema(responses=VersionSerializer(many=True))
    @action(detail=True, methods=["get"], filter_backends=[], plural="versions")
    def versions(self, request: Request, name: str) -> Response:
        """Every version, newest first."""
        refuse_unknown(request, ())
        rows = TemplateVersion.objects.for_tenant(self.tenant).filter(template=self.get_object())
        page = self.paginate_queryset(rows.select_related("author", "template").order_by("-number"))
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(responses=VersionDetailSerializer)
    @action(detail=True, methods=["get"], url_path=r"versions/(?P<number>[0-9]{1,9})")
    def version(self, request: Request, name: str, number: str) -> Response:
        version = find_version(self.get_object(), int(number))
        return Response(VersionDetailSerializer(version).data)

    @extend_schema(request=RollbackSerializer, responses=TemplateSerializer)
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        """Make an earlier version current again, as a new version."""
        template = self.get_object()
        asked = self.body(RollbackSerializer, request)
        changed, warnings = actions.rollback(template, asked["version"], actor=self.actor, comment=asked["comment"])
        return self.answer_with(changed, warnings)

    @extend_schema(operation_id="templates_validate_new", request=TemplateSerializer, responses=VerdictSerializer)
    @action(detail=False, methods=["post"], url_path="validate", url_name="validate-new")
    def validate_new(self, request: Request) -> Response:
        """Whether a template like this would be accepted; nothing is saved."""
        return self.verdict(lambda: self._check(self.body(TemplateSerializer, request)))

    @extend_schema(request=ValidateInputsSerializer, responses=VerdictSerializer)
    @action(detail=True, methods=["post"])
    def validate(self, request: Request, name: str) -> Response:
        """Whether these inputs, or this change of definition or schema, would be accepted; nothing happens."""
        template = self.get_object()
        given = self.body(ValidateInputsSerializer, request)
        change: dict[str, Any] = {key: given[key] for key in ("workflow_definition", "input_schema") if key in given}
        if not change:
            return self.verdict(lambda: {"inputs": fill_and_validate(template.input_schema, given["inputs"])})
        present: dict[str, Any] = {key: getattr(template, key) for key in ("workflow_definition", "input_schema")}
        return self.verdict(lambda: self._check({**present, **change}))

    def _check(self, values: dict[str, Any]) -> dict[str, Any]:
        values.pop("comment", None)
        return {"warnings": actions.check_template(self.tenant, values)}

    def verdict(self, judge: Callable[[], dict[str, Any]]) -> Response:
        try:
            return Response({"valid": True, "errors": [], "warnings": [], **judge()})
        except Invalid as error:
            return Response({"valid": False, "errors": error.errors, "warnings": []})

    def body(self, serializer_class: Any, request: Request, instance: Any = None, **options: Any) -> dict[str, Any]:
        context = self.get_serializer_context()
        serializer = serializer_class(instance, data=request.data, context=context, **options)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def answer_with(self, template: WorkflowTemplate, warnings: Warnings, status: int = 200) -> Response:
        """The template, with what the checks of its definition have to say."""
        response = self.answer(template, status)
        response.data = {**response.data, "warnings": warnings}
        return response
