"""`/workflows/{id}/signals`: events for one run, from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.api import StrictSerializer
from runs_app.actions.signals import send_signal
from runs_app.models import WorkflowEvent
from runs_app.queries import signals_of

if TYPE_CHECKING:
    from runs_app.models import WorkflowRun


class SignalSerializer(StrictSerializer):
    """What is sent."""

    signal_name = serializers.CharField(max_length=255, help_text="The event_name that a step of the run waits for.")
    signal_payload = serializers.JSONField(required=False, default=dict)


class SentSignalSerializer(serializers.ModelSerializer[WorkflowEvent]):
    """What the run hears under this name: the first signal of it."""

    signal_name = serializers.CharField(source="name", read_only=True)
    signal_payload = serializers.JSONField(source="payload", read_only=True)
    workflow_run_id = serializers.UUIDField(source="run_id", read_only=True)

    class Meta:
        model = WorkflowEvent
        fields = ["workflow_run_id", "signal_name", "signal_payload", "created_at"]
        read_only_fields = ["created_at"]


class SignalsSerializer(serializers.Serializer[Any]):
    workflow_run_id = serializers.UUIDField()
    signals = SentSignalSerializer(many=True)
    total = serializers.IntegerField()


class SignalActions:
    """What the viewset of runs gets for signals."""

    if TYPE_CHECKING:

        def get_object(self) -> WorkflowRun: ...
        def get_serializer_context(self) -> dict[str, Any]: ...

    @extend_schema(responses=SignalsSerializer)
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def signals(self, request: Request, pk: str) -> Response:
        """The signals that the run was sent, first ones first."""
        run = self.get_object()
        signals = SentSignalSerializer(signals_of(run), many=True).data
        return Response({"workflow_run_id": str(run.pk), "signals": signals, "total": len(signals)})

    @extend_schema(
        request=SignalSerializer,
        responses={
            202: SentSignalSerializer,
            200: OpenApiResponse(SentSignalSerializer, "There was a signal of this name: the first payload stays."),
        },
    )
    @signals.mapping.post
    def send_signal(self, request: Request, pk: str) -> Response:
        """Wake a step of this run that waits for an event of this name, now or later. 409 when the run has ended."""
        run = self.get_object()
        body = SignalSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        given = body.validated_data
        signal, created = send_signal(run, given["signal_name"], given["signal_payload"])
        return Response(SentSignalSerializer(signal).data, status=202 if created else 200)
