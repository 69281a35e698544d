from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api import StrictSerializer
from highway_automation.base.api.filters import InstantFilter, TruthFilter
from highway_automation.base.safe_json import JSON
from tenants_app.api.base import ListAndGet, TenantFilterBackend, TenantFilterSet, TenantModelSerializer
from triggers_app import actions
from triggers_app.actions.events import SOURCE
from triggers_app.api.deliveries import DeliverySerializer
from triggers_app.api.explanations import AnswerSerializer
from triggers_app.explanation import explain_event
from triggers_app.models import Event, EventTrigger, TriggerDelivery

FIELDS = [
    "event_id",
    "type",
    "source",
    "subject",
    "payload",
    "external_id",
    "occurred_at",
    "received_at",
    "dispatched_at",
    "causation_event_id",
    "causation_run_id",
    "depth",
]


class EventSerializer(TenantModelSerializer):
    class Meta:
        model = Event
        fields = FIELDS
        read_only_fields = fields


class EventWithDeliveries(TenantModelSerializer):
    deliveries = DeliverySerializer(many=True, read_only=True)

    class Meta:
        model = Event
        fields = [*FIELDS, "deliveries"]
        read_only_fields = fields


class NewEvent(StrictSerializer):
    type = serializers.CharField(max_length=255)
    payload = serializers.JSONField(default=dict)
    source = serializers.CharField(max_length=255, default="api")  # type: ignore[assignment]
    subject = serializers.CharField(max_length=255, default="", allow_blank=True)
    external_id = serializers.CharField(max_length=255, default=None, allow_null=True)
    occurred_at = serializers.DateTimeField(default=None, allow_null=True)

    def validate_source(self, source: str) -> str:
        if source == SOURCE:  # an external_id sent so would take the place of an event of ours
            raise serializers.ValidationError(f"{source} is the product's own; name yours.")
        return source


class TriggersOfTenant(TenantFilterSet):
    class Meta:
        model = EventTrigger
        fields = ["name", "event_type", "enabled"]


class EventFilter(TenantFilterSet):
    since = InstantFilter(field_name="received_at", lookup_expr="gte", help_text="The same as received_after.")
    until = InstantFilter(field_name="received_at", lookup_expr="lt", help_text="The same as received_before.")
    received_after = InstantFilter(field_name="received_at", lookup_expr="gte")
    received_before = InstantFilter(field_name="received_at", lookup_expr="lt")
    dispatched = TruthFilter(field_name="dispatched_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Event
        fields = ["type", "source", "subject", "external_id"]


class EventViewSet(ListAndGet):
    """The outbox: what happened, and what each event caused."""

    model = Event
    plural = "events"
    serializer_class = EventSerializer
    verbs = {"create": "emit", "explain": "view"}
    filterset_class = EventFilter
    search_fields = ["type", "source", "subject", "external_id"]
    ordering_fields = ["event_id", "received_at", "occurred_at", "type"]
    ordering = ["-event_id"]

    @extend_schema(
        request=NewEvent, responses={202: EventSerializer, 200: OpenApiResponse(EventSerializer, "It came before.")}
    )
    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        """202 with the event, whose triggers start their workflows at once; 200 when its external_id came before."""
        body = NewEvent(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        event, new = actions.record_event(self.tenant, body.validated_data["type"], **rest(body.validated_data))
        return self.answer(event, status=202 if new else 200)

    @extend_schema(responses=AnswerSerializer(many=True))
    @action(
        detail=True,
        methods=["get"],
        plural="explanations",
        queryset=EventTrigger.objects.none(),  # what the filters are of, for the API's description
        filterset_class=TriggersOfTenant,
    )
    def explain(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Why each trigger of the tenant does or does not answer this event. `name`, `event_type` and `enabled`
        choose among the triggers.
        """
        event = self.get_object()
        triggers = EventTrigger.objects.for_tenant(self.tenant).select_related("tenant", "template").order_by("name")
        chosen = TenantFilterBackend().filter_queryset(request, triggers, self)
        answers = explain_event(event, self.paginate_queryset(chosen) or ())
        return self.get_paginated_response(AnswerSerializer(answers, many=True).data)

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        if self.action != "retrieve":
            return rows
        deliveries = TriggerDelivery.objects.for_tenant(self.tenant).order_by("delivery_id")
        return rows.prefetch_related(Prefetch("deliveries", queryset=deliveries))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return EventWithDeliveries if self.action == "retrieve" else EventSerializer


def rest(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "type"}


def event_json(event: Event) -> dict[str, JSON]:
    """The event as the API shows it, of plain JSON values."""
    return dict(EventSerializer(event).data)
