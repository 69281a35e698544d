from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants_app.api.base import ListAndGet, TenantModelSerializer
from triggers_app import actions
from triggers_app.models import TriggerDelivery


class DeliverySerializer(TenantModelSerializer):
    null_when_read = ("event_id", "trigger_id")  # when those are deleted

    class Meta:
        model = TriggerDelivery
        fields = [
            "delivery_id",
            "event_id",
            "event_type",
            "trigger_id",
            "trigger_name",
            "replay_id",
            "outcome",
            "workflow_run_id",
            "error",
            "attempts",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class DeliveryViewSet(ListAndGet):
    """What became of events at the triggers they matched."""

    model = TriggerDelivery
    plural = "deliveries"
    serializer_class = DeliverySerializer
    verbs = {"retry": "operate"}
    filterset_fields = ["outcome", "event_type", "event", "trigger", "workflow_run_id"]
    search_fields = ["trigger_name", "event_type", "error"]
    ordering_fields = ["delivery_id", "created_at", "outcome"]
    ordering = ["-delivery_id"]

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Try a failed delivery again."""
        delivery = self.get_object()
        self.refuse_body()
        return self.answer(actions.retry_delivery(delivery))
