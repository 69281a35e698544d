from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import CharFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base import clock
from highway_automation.base.api.filters import InstantFilter, TruthFilter, choice, refuse_unknown
from highway_automation.base.errors import FieldError, Invalid
from runs_app.api.runs import idempotency_key
from runs_app.models import WorkflowRun
from schedules_app import actions
from schedules_app.actions.checks import time_errors
from schedules_app.actions.ledger import by
from schedules_app.api.serializers import (
    PauseSerializer,
    RunNowSerializer,
    RunStartedSerializer,
    ScheduleSerializer,
    SkipSerializer,
)
from schedules_app.api.ticks import HistorySerializer, TickSerializer
from schedules_app.api.timing import PreviewAnswer, PreviewSerializer
from schedules_app.models import Outcome, ScheduledWorkflow, ScheduleTick
from schedules_app.preview import MOST, preview
from schedules_app.queries import skipped_after
from templates_app.api.filters import TemplateFilter
from tenants_app.api.base import ListAndGet, TenantFilterSet, TenantViewSet

COUNT = OpenApiParameter("count", int, description=f"How many times to show, 1 to {MOST}; 10 by default.")
LIMIT = OpenApiParameter("limit", int, description="1 to 100; 50 by default.")
OFFSET = OpenApiParameter("offset", int)
OUTCOME = OpenApiParameter("outcome", str, enum=Outcome.values, description="Only rows of this outcome.")


class ScheduleFilters(TenantFilterSet):
    template = TemplateFilter()
    is_active = TruthFilter(field_name="enabled")
    due_before = InstantFilter(field_name="next_run_at", lookup_expr="lte")
    due_after = InstantFilter(field_name="next_run_at", lookup_expr="gte")
    owner = CharFilter(field_name="owner__email", lookup_expr="iexact")

    class Meta:
        model = ScheduledWorkflow
        fields = ("name", "enabled", "overlap", "catch_up", "timezone")


BODIES = {
    "pause": PauseSerializer,
    "run": RunNowSerializer,
    "skip": SkipSerializer,
    "preview_unsaved": PreviewSerializer,
}


class ScheduleViewSet(ListAndGet):
    """Schedules: when which template or definition is started."""

    model = ScheduledWorkflow
    queryset = ScheduledWorkflow.objects.none()
    plural = "schedules"
    idempotent = {"run"}
    serializer_class = ScheduleSerializer
    verbs: ClassVar[Mapping[str, str]] = {
        "pause": "operate",
        "resume": "operate",
        "run": "run",
        "skip": "operate",
        "preview": "view",
        "preview_unsaved": "view",
        "history": "view",
    }
    filterset_class = ScheduleFilters
    search_fields = ("name", "cron_expression", "template__name")
    ordering_fields = ("name", "next_run_at", "last_run_at", "created_at", "updated_at", "execution_count")
    ordering = ("-schedule_id",)

    def get_queryset(self) -> QuerySet[ScheduledWorkflow]:
        return super().get_queryset().select_related("template", "definition", "owner")

    def get_serializer_class(self) -> Any:
        return BODIES.get(self.action, ScheduleSerializer)

    def represent(self, obj: Any) -> Any:
        return ScheduleSerializer(obj, context=self.get_serializer_context()).data

    def create(self, request: Request) -> Response:
        values = self.values(request)
        schedule, warnings = actions.create_schedule(self.tenant, values, actor=self.actor)
        return self.answer_with(schedule, warnings, 201)

    def update(self, request: Request, pk: str) -> Response:
        """Changes what the body names; a field that is left out stays as it is, for PUT as for PATCH."""
        return self.change(request)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes what the body names."""
        return self.change(request)

    def change(self, request: Request) -> Response:
        schedule = self.get_object()
        return self.answer_with(*actions.update_schedule(schedule, self.values(request, partial=True)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        actions.delete_schedule(self.get_object())
        return Response(status=204)

    @extend_schema(responses=ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """From now on no time of it is decided."""
        schedule = self.get_object()
        values = self.values(request)
        return self.answer(actions.pause_schedule(schedule, note=values["note"], until=values["until"]))

    @extend_schema(request=None, responses=ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on with the first time after now; what came in between is neither run nor missed."""
        schedule = self.get_object()
        self.refuse_body()
        return self.answer(actions.resume_schedule(schedule))

    @extend_schema(request=RunNowSerializer, responses={202: RunStartedSerializer, 200: RunStartedSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Start it now, paused or not: 202, or 200 with the first run where the idempotency key was used before. No
        overlap policy blocks it, and its next time stays as it is.
        """
        schedule = self.get_object()
        key = idempotency_key(request, self.values(request))
        run, created = actions.run_now(schedule, actor=self.actor, idempotency_key=key)
        started = {"workflow_run_id": str(run.pk), "status": run.status, "schedule_id": str(schedule.pk)}
        return Response({**started, "workflow_name": run.workflow_name}, status=202 if created else 200)

    @extend_schema(request=SkipSerializer, responses=ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Leave out the next time. With `scheduled_for` only that time is meant: repeated, it changes nothing more."""
        schedule = self.get_object()
        meant = self.values(request)["scheduled_for"]
        return self.answer(actions.skip_next(schedule, actor=self.actor, scheduled_for=meant))

    @extend_schema(request=PreviewSerializer, responses=PreviewAnswer)
    @action(detail=False, methods=["post"], url_path="preview", url_name="preview-unsaved")
    def preview_unsaved(self, request: Request) -> Response:
        """The next times of an expression that is not saved, with what clock changes do to them."""
        values = dict(self.values(request))
        count = values.pop("count")
        schedule = ScheduledWorkflow(tenant=self.tenant, **values)
        if errors := list(time_errors(schedule)):
            raise Invalid(errors[0].message, errors=errors)
        return Response(PreviewAnswer(preview(schedule, clock.now(), count)).data)

    @extend_schema(parameters=[COUNT], responses=PreviewAnswer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        """The next times of a schedule."""
        refuse_unknown(request, ["count"], paged=False)
        count = number(request, "count", 10, MOST, least=1)
        schedule, at = self.get_object(), clock.now()
        return Response(PreviewAnswer(preview(schedule, at, count, skipped_after(schedule, at))).data)

    @extend_schema(parameters=[LIMIT, OFFSET, OUTCOME], responses=HistorySerializer)
    @action(detail=True, methods=["get"])
    def history(self, request: Request, pk: str) -> Response:
        """The ledger, newest first: every time that came, and what became of it."""
        refuse_unknown(request, ["limit", "offset", "outcome"], paged=False)
        limit, offset = number(request, "limit", 50, 100, least=1), number(request, "offset", 0, 1_000_000)
        rows = ScheduleTick.objects.for_tenant(self.tenant).filter(schedule=self.get_object())
        if outcome := choice(request, "outcome", Outcome.values):
            rows = rows.filter(outcome=outcome)
        ticks = list(rows.order_by("-scheduled_for", "-tick_id")[offset : offset + limit])
        runs = WorkflowRun.objects.for_tenant(self.tenant).defer("inputs", "result", "variables", "context")
        found = runs.in_bulk([tick.workflow_run_id for tick in ticks if tick.workflow_run_id])
        shown = TickSerializer(ticks, many=True, context={"runs": found}).data
        return Response({"executions": shown, "total": rows.count(), "limit": limit, "offset": offset})

    def values(self, request: Request, *, partial: bool = False) -> Any:
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def answer_with(self, schedule: ScheduledWorkflow, warnings: Any, status: int = 200) -> Response:
        response = self.answer(schedule, status)
        response.data["warnings"] = warnings
        return response


class HighwayScheduleViewSet(TenantViewSet):
    """The same schedules under the paths that Highway's own tools ask for."""

    model = ScheduledWorkflow
    queryset = ScheduledWorkflow.objects.none()
    plural = "schedules"
    lookup_field = "name"
    serializer_class = ScheduleSerializer
    verbs: ClassVar[Mapping[str, str]] = {"cancel": "operate"}
    filterset_class = ScheduleFilters
    search_fields = ScheduleViewSet.search_fields
    ordering_fields = ScheduleViewSet.ordering_fields
    ordering = ScheduleViewSet.ordering

    def get_queryset(self) -> QuerySet[ScheduledWorkflow]:
        return super().get_queryset().select_related("template", "definition", "owner")

    def list(self, request: Request) -> Response:
        """The list of `/schedules`."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=None, responses=ScheduleSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, name: str) -> Response:
        """It starts nothing any more until somebody resumes it; a run under way goes on."""
        schedule = self.get_object()
        self.refuse_body()
        return self.answer(actions.pause_schedule(schedule, note=f"Cancelled {by(self.actor)}."))


def number(request: Request, name: str, default: int, most: int, *, least: int = 0) -> int:
    """A query parameter. Raises Invalid when it is none of the numbers allowed."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise Invalid(
            f"{name} is a number from {least} to {most}.", errors=[FieldError(name, f"From {least} to {most}.")]
        )
    return int(text)
