from __future__ import annotations

from typing import Any

from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from runs_app.models import StepRun, WorkflowRun
from runs_app.queries import current_step, progress
from tenants_app.api.base import TenantModelSerializer


class RunSerializer(TenantModelSerializer):
    """A run as lists show it."""

    current_step = serializers.SerializerMethodField()
    cause = serializers.SerializerMethodField()

    class Meta:
        model = WorkflowRun
        fields = [
            "workflow_run_id",
            "workflow_name",
            "status",
            "current_step",
            "cause",
            "template_version",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]

    def get_current_step(self, run: WorkflowRun) -> str | None:
        return current_step(run)

    def get_cause(self, run: WorkflowRun) -> dict[str, str]:
        return {"kind": run.cause_kind, "id": run.cause_id}


class RunDetailSerializer(RunSerializer):
    """A run with all that it was given and gave."""

    definition_id = serializers.UUIDField(read_only=True)
    progress = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "definition_id", "progress", "inputs", "result"]

    def get_progress(self, run: WorkflowRun) -> dict[str, int]:
        return progress(run)


class StepSerializer(TenantModelSerializer):
    log = serializers.SerializerMethodField()

    class Meta:
        model = StepRun
        fields = [
            "path",
            "attempt",
            "operator",
            "tool",
            "status",
            "input",
            "output",
            "error",
            "log",
            "started_at",
            "finished_at",
        ]

    def get_log(self, step: StepRun) -> str:
        logs: dict[tuple[str, int], str] = self.context.get("logs", {})
        return logs.get((step.path, step.attempt), "")


class SubmitSerializer(StrictSerializer):
    """What starts a run: a definition or its Python source, with inputs."""

    workflow_definition = serializers.JSONField(required=False)
    python_dsl = serializers.CharField(required=False, max_length=1_000_000, trim_whitespace=False)
    inputs = serializers.JSONField(required=False)
    input = serializers.JSONField(required=False)
    idempotency_key = serializers.CharField(required=False, max_length=255)
    execute = serializers.BooleanField(required=False, default=True)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if ("workflow_definition" in given) == ("python_dsl" in given):
            raise serializers.ValidationError({"workflow_definition": ["Give either this or python_dsl."]})
        if "inputs" in given and "input" in given:
            raise serializers.ValidationError({"input": ["Give either this or inputs."]})
        word = "input" if "input" in given else "inputs"
        given["inputs"] = given.pop(word, {})
        if not isinstance(given["inputs"], dict):
            raise serializers.ValidationError({word: ["Give a JSON object."]})
        return given


class CancelSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
