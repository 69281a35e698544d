from __future__ import annotations

from typing import Any

from rest_framework import serializers

from triggers_app.api.deliveries import DeliverySerializer
from triggers_app.explanation import Explanation
from triggers_app.filters import Condition


class ConditionSerializer(serializers.Serializer[Condition]):
    """One condition of a filter: what it wants at `path`, and what the event has there."""

    path = serializers.CharField()
    wanted = serializers.JSONField()
    seen = serializers.JSONField()
    present = serializers.BooleanField()
    ok = serializers.BooleanField()


class ExplanationSerializer(serializers.Serializer[Explanation]):
    """`matched` is about the event alone; `problem` says what else keeps a run from starting, `inputs` with what it
    would start.
    """

    matched = serializers.BooleanField()
    conditions = ConditionSerializer(many=True)
    note = serializers.CharField()
    inputs = serializers.JSONField(allow_null=True)
    problem = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    """What one trigger says to an event, as it stands now, and what became of the event there."""

    trigger_id = serializers.UUIDField(source="trigger.trigger_id")
    trigger_name = serializers.CharField(source="trigger.name")
    enabled = serializers.BooleanField(source="trigger.enabled")
    explanation = ExplanationSerializer()
    deliveries = DeliverySerializer(many=True)
