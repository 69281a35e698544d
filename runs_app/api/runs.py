from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api.filters import choice
from highway_automation.base.safe_json import JSON
from runs_app import dsl
from runs_app.actions import cancel_run, find_run, retry_run, store_definition, submit_run
from runs_app.api.filters import RunFilters
from runs_app.api.serializers import (
    CancelSerializer,
    LogSerializer,
    LogsSerializer,
    RegisteredSerializer,
    RetriedSerializer,
    RunDetailSerializer,
    RunSerializer,
    StepSerializer,
    StepsSerializer,
    SubmitSerializer,
    SubmittedSerializer,
)
from runs_app.api.signals import SignalActions
from runs_app.cause import Cause
from runs_app.models import StepLog, WorkflowRun
from runs_app.queries import logs_of, steps_of, with_current_step
from runs_app.statuses import StepStatus
from tenants_app.api.base import ListAndGet

HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
COUNTED = (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SLEEPING)
STATUS = OpenApiParameter("status", str, enum=StepStatus.values, description="Only attempts in this state.")


def idempotency_key(request: Request, given: dict[str, Any]) -> str | None:
    """The caller's key: from the body, else from either header."""
    sent = [request.headers[name] for name in HEADERS if name in request.headers]
    return given.get("idempotency_key") or (sent[0] if sent else None)


class RunViewSet(SignalActions, ListAndGet):
    """Runs: submit a definition, list, read, cancel, start again, send signals."""

    model = WorkflowRun
    queryset = WorkflowRun.objects.none()
    plural = "workflows"
    verbs = {
        **{"create": "run", "cancel": "operate", "retry": "operate", "send_signal": "operate"},
        **dict.fromkeys(("steps", "logs", "signals"), "view"),
    }
    idempotent = {"create", "retry"}
    filterset_class = RunFilters
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

    @extend_schema(
        request=SubmitSerializer,
        responses={
            202: SubmittedSerializer,
            200: OpenApiResponse(SubmittedSerializer, "The idempotency key was used before: the first run."),
            201: OpenApiResponse(RegisteredSerializer, "`execute` is false: the definition is stored, nothing runs."),
        },
    )
    def create(self, request: Request) -> Response:
        """Start a run of a definition, or of the one that its Python source makes."""
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
        """End a run now. 409 when it has ended already."""
        run = self.get_object()
        body = CancelSerializer(data=request.data or {}, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        run = cancel_run(run, actor=self.actor, reason=body.validated_data["reason"])
        return Response(RunDetailSerializer(run, context=self.get_serializer_context()).data)

    @extend_schema(request=None, responses={202: RetriedSerializer, 200: RetriedSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Start a failed or cancelled run again from its beginning, as a new run. 409 for any other."""
        old = self.get_object()
        self.refuse_body()
        new, created = retry_run(old, actor=self.actor, idempotency_key=idempotency_key(request, {}))
        told = {"original_workflow_run_id": old.pk, "new_workflow_run_id": new.pk, "new_run_id": new.pk}
        told |= {"workflow_run_id": new.pk, "status": new.status, "message": f"Run {old.pk} was started again."}
        return Response(told, status=202 if created else 200)

    @extend_schema(parameters=[STATUS], responses=StepsSerializer)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def steps(self, request: Request, pk: str) -> Response:
        """Every attempt at every step, with what it was given and gave."""
        run = self.get_object()
        wanted = choice(request, "status", StepStatus.values)
        steps = list(steps_of(run))
        last = {step.path: step.status for step in steps}
        counts = {status.value: list(last.values()).count(status) for status in COUNTED}
        context = {**self.get_serializer_context(), "logs": logs_of(run)}
        shown = [step for step in steps if wanted in {None, step.status}]
        told: dict[str, Any] = {"workflow_run_id": str(run.pk), "workflow_name": run.workflow_name}
        told |= {"steps": StepSerializer(shown, many=True, context=context).data, "total_steps": len(last), **counts}
        return Response(told)

    @extend_schema(responses=LogsSerializer)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def logs(self, request: Request, pk: str) -> Response:
        """The end of what each step has printed so far."""
        run = self.get_object()
        rows = StepLog.objects.for_tenant(self.tenant).filter(run=run).order_by("updated_at", "path", "attempt")
        logs = LogSerializer(rows, many=True).data
        return Response({"workflow_run_id": str(run.pk), "workflow_name": run.workflow_name, "logs": logs})


def _definition(given: dict[str, Any]) -> JSON:
    if "workflow_definition" in given:
        return given["workflow_definition"]
    return dsl.compile_source(given["python_dsl"], "python_dsl", trusted=False)
