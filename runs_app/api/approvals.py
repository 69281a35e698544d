"""`/api/v1/approvals`: what waits for people, and their deciding it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django_filters import CharFilter, UUIDFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base import clock
from highway_automation.base.api import StrictSerializer
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from runs_app.actions.approvals import decide_approval
from runs_app.deciders import Decider
from runs_app.dialect import durations
from runs_app.models import Approval
from tenants_app.api.base import ListAndGet, TenantFilterSet, TenantModelSerializer

TOLD = 10


@extend_schema_field(OpenApiTypes.OBJECT)
class AnyJSON(serializers.JSONField):
    """A JSON object."""


class DecisionSerializer(StrictSerializer):
    """What one of the deciders said."""

    by = serializers.CharField()
    approved = serializers.BooleanField()
    comment = serializers.CharField()
    answers = AnyJSON()
    at = serializers.DateTimeField()


class ApprovalSerializer(TenantModelSerializer):
    """A question that a step of a run asks, and how it was decided."""

    workflow_run_id = serializers.UUIDField(source="run_id", read_only=True)
    workflow_name = serializers.CharField(source="run.workflow_name", read_only=True)
    step = serializers.CharField(source="path", read_only=True)
    decisions = DecisionSerializer(many=True, read_only=True)
    url = serializers.URLField(read_only=True, help_text="Where people decide it.")

    class Meta:
        model = Approval
        fields = [
            *("approval_id", "approval_key", "title", "description", "approval_data", "status"),
            *("workflow_run_id", "workflow_name", "step", "approvers", "required", "form_schema", "on_timeout"),
            *("requested_at", "expires_at", "decided_at", "decided_by", "comment", "answers", "decisions", "url"),
        ]
        read_only_fields = fields


class DecideSerializer(StrictSerializer):
    comment = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, default="", max_length=10_000, trim_whitespace=False
    )
    answers = AnyJSON(required=False, default=None, help_text="What the approval's form asks for.")


class AgeFilter(CharFilter):  # type: ignore[misc]
    """What was requested at least so long ago: `24h`, `2d`, `PT48H` or seconds."""

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return rows
        try:
            before = clock.now() - timedelta(seconds=durations.seconds(value))
        except (ValueError, OverflowError) as error:
            told = f"It is {error}." if isinstance(error, OverflowError) else f"It is wrong: {error}."
            raise Invalid(told, errors=[FieldError(self.field_name, told)]) from None
        return rows.filter(requested_at__lte=before)


class ApprovalFilters(TenantFilterSet):
    workflow_run_id = UUIDFilter(field_name="run_id")
    older_than = AgeFilter(label="Requested at least so long ago: `24h`, `2d`, `PT48H` or seconds.")

    class Meta:
        model = Approval
        fields = ("status", "approval_key")


class ApprovalViewSet(ListAndGet):
    """Approvals: list what waits, read one, approve or reject it."""

    model = Approval
    queryset = Approval.objects.none()
    plural = "approvals"
    serializer_class = ApprovalSerializer
    verbs = {"approve": "approve", "reject": "approve"}
    filterset_class = ApprovalFilters
    lookup_field = "approval_key"
    lookup_url_kwarg = "key"
    search_fields = ("approval_key", "title", "description")
    ordering_fields = ("requested_at", "decided_at", "expires_at", "status", "title")
    ordering = ("-approval_id",)

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("run").only("run__workflow_name", *COLUMNS)

    def get_object(self) -> Approval:
        """The one with this key, or this id: of several the one that is pending, else the newest."""
        key = self.kwargs["key"]
        rows: Any = self.get_queryset().filter(Q(approval_key=key) | Q(pk=_uuid(key))).order_by("-approval_id")
        found: Approval | None = rows.pending().first() or rows.first()
        if found is None:
            raise NotFound("There is no such object.")
        return found

    @extend_schema(request=DecideSerializer, responses=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, key: str) -> Response:
        """Approve it. Of N required approvals each comes from somebody else."""
        return self.decide(request, approved=True)

    @extend_schema(request=DecideSerializer, responses=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, key: str) -> Response:
        """Reject it: one rejection settles it."""
        return self.decide(request, approved=False)

    def decide(self, request: Request, *, approved: bool) -> Response:
        approval = self.get_object()
        body = DecideSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        self.refuse_ambiguous(approval)
        said: dict[str, Any] = {**body.validated_data, "comment": body.validated_data["comment"] or ""}
        return self.answer(decide_approval(approval, by=Decider.of(request), approved=approved, **said))

    def refuse_ambiguous(self, approval: Approval) -> None:
        """Nobody decides by a key what another run asks under the same one."""
        rows: Any = self.get_queryset()
        rows = rows.pending().filter(approval_key=self.kwargs["key"])
        waiting = [{"approval_id": str(row.pk), "workflow_run_id": str(row.run_id)} for row in rows[:TOLD]]
        if len(waiting) > 1:
            raise Conflict("Several runs wait under this key: put the approval_id in its place.", approvals=waiting)


COLUMNS = [field.name for field in Approval._meta.concrete_fields]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
