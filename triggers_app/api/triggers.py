from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api import StrictSerializer
from highway_automation.base.errors import FieldError, Invalid
from templates_app.api.filters import TemplateFilter
from templates_app.models import WorkflowTemplate
from tenants_app.api.base import ListAndGet, TenantFilterSet, TenantModelSerializer
from triggers_app import actions
from triggers_app.api.explanations import ExplanationSerializer
from triggers_app.explanation import explain_trigger
from triggers_app.models import Event, EventTrigger
from triggers_app.queries import sample_event


@extend_schema_field(OpenApiTypes.STR)
class TemplateField(serializers.RelatedField[WorkflowTemplate, str, Any]):
    """A template of the tenant by name or id; shown by name. What belongs to someone else does not exist."""

    default_error_messages = {"unknown": "There is no template {given!r}."}

    def get_queryset(self) -> QuerySet[WorkflowTemplate]:
        return WorkflowTemplate.objects.for_tenant(self.context["request"].tenant)

    def to_internal_value(self, data: Any) -> WorkflowTemplate:
        known = Q(name=data) if isinstance(data, str) else Q(pk__in=[])
        with suppress(ValueError):
            known |= Q(pk=UUID(str(data)))
        found = self.get_queryset().filter(known).first()
        if found is None:
            self.fail("unknown", given=data)
        return found

    def to_representation(self, value: Any) -> str:
        return str(value.name)


class TriggerSerializer(TenantModelSerializer):
    """What a trigger starts is named by `template` (a name or an id) or given as `workflow_definition`. `is_active` is
    Highway's word for `enabled`; what was read may be sent back, with `template` before `template_id`.
    """

    highway_keys = ("is_active", "warnings")
    null_when_read = ("template_id",)
    template = TemplateField(queryset=WorkflowTemplate.objects.none(), required=False, allow_null=True)
    filter_expression = serializers.JSONField(required=False, allow_null=True)
    workflow_definition = serializers.JSONField(required=False, allow_null=True)
    input_mapping = serializers.JSONField(required=False, allow_null=True)

    class Meta:
        model = EventTrigger
        fields = [
            "trigger_id",
            "tenant_id",
            "name",
            "event_type",
            "filter_expression",
            "source_match",
            "subject_match",
            "template",
            "template_id",
            "template_version",
            "workflow_definition",
            "input_mapping",
            "mode",
            "max_depth",
            "enabled",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["trigger_id", "tenant_id", "template_id", "created_at", "updated_at"]

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            aliases = {"enabled": "is_active", "template": "template_id"}
            data = {**{ours: data[theirs] for ours, theirs in aliases.items() if theirs in data}, **data}
        return super().to_internal_value(data)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {**super().to_representation(instance), "is_active": instance.enabled}


class TrialSerializer(StrictSerializer):
    """What to test against: a stored event, or an invented one (its type is the trigger's unless given)."""

    event_id = serializers.UUIDField(required=False)
    payload = serializers.JSONField(required=False)
    type = serializers.CharField(max_length=255, required=False)
    source = serializers.CharField(max_length=255, required=False)  # type: ignore[assignment]
    subject = serializers.CharField(max_length=255, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "event_id" in attrs and len(attrs) > 1:
            raise serializers.ValidationError({"event_id": "Give either a stored event or one of your own, not both."})
        if "event_id" not in attrs and not isinstance(attrs.get("payload"), dict):
            raise serializers.ValidationError({"payload": "Give a JSON object, or an event_id."})
        return attrs


class TriggerFilters(TenantFilterSet):
    template = TemplateFilter()

    class Meta:
        model = EventTrigger
        fields = ["name", "event_type", "enabled", "mode"]


class TriggerViewSet(ListAndGet):
    """Which events start which workflows."""

    model = EventTrigger
    plural = "triggers"
    serializer_class = TriggerSerializer
    verbs = {"pause": "operate", "resume": "operate", "test": "view"}
    filterset_class = TriggerFilters
    search_fields = ["name", "event_type"]
    ordering_fields = ["trigger_id", "name", "event_type", "created_at", "updated_at"]
    ordering = ["trigger_id"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("template")

    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        trigger, warnings = actions.create_trigger(self.tenant, self.body(request))
        return self.answer_with(trigger, warnings, status=201)

    def update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Changes what the body names; a field that is left out stays as it is, for PUT as for PATCH."""
        trigger = self.get_object()
        return self.answer_with(*actions.update_trigger(trigger, self.body(request, trigger)))

    def partial_update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Changes what the body names."""
        return self.update(request)

    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        actions.delete_trigger(self.get_object())
        return Response(status=204)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, *args: object, **kwargs: object) -> Response:
        trigger = self.get_object()
        self.refuse_body()
        return self.answer(actions.pause_trigger(trigger))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, *args: object, **kwargs: object) -> Response:
        trigger = self.get_object()
        self.refuse_body()
        return self.answer(actions.resume_trigger(trigger))

    @extend_schema(request=TrialSerializer, responses=ExplanationSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Why an event would or would not match, with the value seen at each condition, and the run's inputs."""
        trigger = self.get_object()
        trial = TrialSerializer(data=request.data, context=self.get_serializer_context())
        trial.is_valid(raise_exception=True)
        return Response(explain_trigger(trigger, self.event_of(trigger, trial.validated_data)).as_json())

    def event_of(self, trigger: EventTrigger, trial: dict[str, Any]) -> Event:
        if "event_id" not in trial:
            return sample_event(trigger, **trial)
        event = Event.objects.for_tenant(self.tenant).filter(pk=trial["event_id"]).first()
        if event is None:
            raise Invalid("There is no such event.", errors=[FieldError("event_id", "There is no such event.")])
        return event

    def body(self, request: Request, trigger: EventTrigger | None = None) -> dict[str, Any]:
        serializer = self.get_serializer(trigger, data=request.data, partial=trigger is not None)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def answer_with(self, trigger: EventTrigger, warnings: list[dict[str, str]], status: int = 200) -> Response:
        """The object, with the warnings about its definition."""
        response = self.answer(trigger, status)
        response.data = {**response.data, "warnings": warnings}
        return response
