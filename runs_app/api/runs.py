from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.safe_json import JSON
from runs_app import dsl
from runs_app.actions import cancel_run, find_run, store_definition, submit_run
from runs_app.api.serializers import (
    CancelSerializer,
    RunDetailSerializer,
    RunSerializer,
    StepSerializer,
    SubmitSerializer,
)
from runs_app.cause import Cause
from runs_app.models import WorkflowRun
from runs_app.queries import logs_of, steps_of, with_current_step
from tenants_app.api.base import ListAndGet

HEADERS = ("Idempotency-Key", "X-Idempotency-Key")


def idempotency_key(request: Request, given: dict[str, Any]) -> str | None:
    """The caller's key: from the body, else from either header."""
    sent = [request.headers[name] for name in HEADERS if name in request.headers]
    return given.get("idempotency_key") or (sent[0] if sent else None)


class RunViewSet(ListAndGet):
    """Runs: submit a definition, list, read, cancel."""

    model = WorkflowRun
    plural = "workflows"
    verbs = {"create": "run", "cancel": "operate", "steps": "view"}
    filterset_fields = ["status", "workflow_name", "cause_kind", "cause_id"]
    search_fields = ["workflow_name", "error"]
    ordering_fields = ["created_at", "finished_at", "status", "workflow_name"]
    ordering = ["-workflow_run_id"]

    def get_queryset(self) -> QuerySet[Any]:
        runs = super().get_queryset().order_by("-workflow_run_id")
        if self.action != "list":
            return runs
        return with_current_step(runs.defer("inputs", "result", "variables", "context"))

    def get_serializer_class(self) -> Any:
        by_action = {"list": RunSerializer, "create": SubmitSerializer, "steps": StepSerializer}
        return by_action.get(self.action, RunDetailSerializer)

    def get_object(self) -> WorkflowRun:
        return find_run(self.tenant, self.kwargs["pk"])

    @extend_schema(request=SubmitSerializer, responses={202: RunDetailSerializer})
    def create(self, request: Request) -> Response:
        body = SubmitSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        given = body.validated_data
        definition, warnings = store_definition(self.tenant, _definition(given))
        about = {"definition_id": str(definition.pk), "warnings": warnings}
        if not given["execute"]:
            return Response(about, status=201)
        run, created = submit_run(
            definition=definition,
            inputs=given["inputs"],
            cause=Cause("api"),
            actor=self.actor,
            idempotency_key=idempotency_key(request, given),
        )
        answer = {"workflow_run_id": str(run.pk), "status": run.status, "workflow_name": run.workflow_name, **about}
        return Response(answer, status=202 if created else 200)

    @extend_schema(request=CancelSerializer, responses={200: RunDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        body = CancelSerializer(data=request.data or {}, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        run = cancel_run(self.get_object(), actor=self.actor, reason=body.validated_data["reason"])
        return Response(RunDetailSerializer(run, context=self.get_serializer_context()).data)

    @extend_schema(responses={200: StepSerializer(many=True)})
    @action(detail=True, methods=["get"])
    def steps(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        context = {**self.get_serializer_context(), "logs": logs_of(run)}
        steps = StepSerializer(steps_of(run), many=True, context=context).data
        return Response({"workflow_run_id": str(run.pk), "workflow_name": run.workflow_name, "steps": steps})


def _definition(given: dict[str, Any]) -> JSON:
    if "workflow_definition" in given:
        return given["workflow_definition"]
    return dsl.compile_source(given["python_dsl"], "python_dsl", trusted=False)
