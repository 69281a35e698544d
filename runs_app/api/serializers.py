from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from runs_app.models import StepRun, WorkflowRun
from runs_app.queries import current_step, progress, waiting
from runs_app.statuses import RunStatus
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


class WaitingSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)


class StepSerializer(TenantModelSerializer):
    """One attempt at a step. `step_name`, `completed_at` and `retry_count` are Highway's words."""

    step_name = serializers.CharField(source="path", read_only=True)
    completed_at = serializers.DateTimeField(source="finished_at", read_only=True, allow_null=True)
    duration_seconds = serializers.SerializerMethodField()
    retry_count = serializers.SerializerMethodField()
    log = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField(help_text="What a sleeping step waits for, and until when at most.")

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
            "waiting",
            "started_at",
            "finished_at",
            "step_name",
            "completed_at",
            "duration_seconds",
            "retry_count",
        ]

    def get_duration_seconds(self, step: StepRun) -> float | None:
        ended = step.started_at and step.finished_at
        return (step.finished_at - step.started_at).total_seconds() if ended else None  # type: ignore[operator]

    def get_retry_count(self, step: StepRun) -> int:
        return step.attempt - 1

    @extend_schema_field(WaitingSerializer(allow_null=True))
    def get_waiting(self, step: StepRun) -> dict[str, str | None] | None:
        return waiting(step)

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


class SubmittedSerializer(serializers.Serializer[Any]):
    """A started run. With `execute: false` only `definition_id` and `warnings` are there."""

    workflow_run_id = serializers.UUIDField()
    status = serializers.ChoiceField(RunStatus.choices)
    workflow_name = serializers.CharField()
    definition_id = serializers.UUIDField()
    warnings = serializers.ListField(child=serializers.DictField())


class RegisteredSerializer(serializers.Serializer[Any]):
    definition_id = serializers.UUIDField()
    warnings = serializers.ListField(child=serializers.DictField())


class RetriedSerializer(serializers.Serializer[Any]):
    original_workflow_run_id = serializers.UUIDField()
    new_workflow_run_id = serializers.UUIDField()
    new_run_id = serializers.UUIDField()
    workflow_run_id = serializers.UUIDField()
    status = serializers.ChoiceField(RunStatus.choices)
    message = serializers.CharField()


class StepsSerializer(serializers.Serializer[Any]):
    """Every attempt in the order in which they began; the counts are of steps, by their last attempt."""

    workflow_run_id = serializers.UUIDField()
    workflow_name = serializers.CharField()
    steps = StepSerializer(many=True)
    total_steps = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    sleeping = serializers.IntegerField()


class LogSerializer(serializers.Serializer[Any]):
    step_name = serializers.CharField(source="path")
    attempt = serializers.IntegerField()
    text = serializers.CharField(help_text="The end of what the step printed.")
    updated_at = serializers.DateTimeField()


class LogsSerializer(serializers.Serializer[Any]):
    workflow_run_id = serializers.UUIDField()
    workflow_name = serializers.CharField()
    logs = LogSerializer(many=True)
