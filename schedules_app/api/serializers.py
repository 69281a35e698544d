from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from runs_app.models import WorkflowDefinition
from schedules_app.models import CatchUp, Overlap, ScheduledWorkflow, ScheduleTick
from schedules_app.models.choices import DstGap, DstOverlap
from schedules_app.preview import MOST, in_words
from templates_app.models import WorkflowTemplate

INTEGER = 2_147_483_647
ALIASES = {
    "schedule_cron": "cron_expression",
    "is_active": "enabled",
    "version_pin": "template_version",
    "input": "inputs",
}
"""Highway's word → ours. Ours wins where both are sent, so that what was read can be changed and sent back."""
TARGETS = ("template", "template_id", "workflow_definition", "definition_id", "definition_hash")


class TimingSerializer(StrictSerializer):
    """When: the part that a preview needs too."""

    cron_expression = serializers.CharField(max_length=100)
    timezone = serializers.CharField(max_length=64, required=False)
    dst_gap = serializers.ChoiceField(choices=DstGap.choices, required=False)
    dst_overlap = serializers.ChoiceField(choices=DstOverlap.choices, required=False)
    day_or = serializers.BooleanField(required=False)
    start_at = serializers.DateTimeField(required=False, allow_null=True)
    end_at = serializers.DateTimeField(required=False, allow_null=True)

    highway_keys = frozenset(ALIASES)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            data = {**{ours: data[theirs] for theirs, ours in ALIASES.items() if theirs in data}, **data}
        return super().to_internal_value(data)


class PreviewSerializer(TimingSerializer):
    """A schedule that is not saved, and how many of its times to show."""

    count = serializers.IntegerField(min_value=1, max_value=MOST, default=10)


class ScheduleSerializer(TimingSerializer):
    """A schedule. What it starts is named by `template` (a name or an id) or given as `workflow_definition`."""

    schedule_id = serializers.UUIDField(read_only=True)
    tenant_id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=255, required=False)
    template = serializers.CharField(required=False, allow_null=True, max_length=255)
    template_id = serializers.CharField(required=False, allow_null=True, max_length=64)
    template_version = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=INTEGER)
    workflow_definition = serializers.JSONField(required=False, allow_null=True)
    inputs = serializers.JSONField(required=False)
    overlap = serializers.ChoiceField(choices=Overlap.choices, required=False)
    catch_up = serializers.ChoiceField(choices=CatchUp.choices, required=False)
    catch_up_window = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=INTEGER)
    remaining_runs = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=INTEGER)
    spread = serializers.IntegerField(required=False, min_value=0, max_value=INTEGER)
    enabled = serializers.BooleanField(required=False)
    pause_note = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    pause_until = serializers.DateTimeField(required=False, allow_null=True)
    pause_after_failures = serializers.IntegerField(required=False, min_value=0, max_value=INTEGER)
    owner = serializers.CharField(read_only=True, source="owner.email", default=None)
    description = serializers.SerializerMethodField()
    last_run_at = serializers.DateTimeField(read_only=True)
    next_run_at = serializers.DateTimeField(read_only=True)
    execution_count = serializers.IntegerField(read_only=True)
    last_error = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    highway_keys = frozenset({*ALIASES, "workflow_name", "definition_id", "definition_hash", "warnings"})

    def get_description(self, schedule: ScheduledWorkflow) -> str:
        return in_words(schedule)

    def to_internal_value(self, data: Any) -> Any:
        return {**super().to_internal_value(data), **self._target(data)}

    def _target(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the body wants started, as columns; nothing where it does not say."""
        found: dict[str, Any] = {}
        if "template" in data or "template_id" in data:
            found["template"] = self._template(data.get("template") or data.get("template_id"))
        elif data.get("workflow_name") and not any(data.get(key) for key in TARGETS):
            found["template"] = self._template(data["workflow_name"], "workflow_name")
        for key, column in (("definition_id", "pk"), ("definition_hash", "sha256")):
            if data.get(key) and not data.get("workflow_definition"):
                found["workflow_definition"] = self._definition(key, column, data[key])
        return found

    def _template(self, named: Any, key: str = "template") -> WorkflowTemplate | None:
        """The tenant's template of this name or id. Someone else's is as unknown as none."""
        if named is None:
            return None
        rows = WorkflowTemplate.objects.for_tenant(self.context["request"].tenant)
        template = rows.filter(name=str(named)).first() or (rows.filter(pk=named).first() if is_uuid(named) else None)
        if template is None:
            raise serializers.ValidationError({key: [f"There is no template '{named}'."]})
        return template

    def _definition(self, key: str, column: str, named: Any) -> Any:
        rows = WorkflowDefinition.objects.for_tenant(self.context["request"].tenant)
        usable = column != "pk" or is_uuid(named)
        definition = rows.filter(**{column: str(named)}).first() if usable else None
        if definition is None:
            raise serializers.ValidationError({key: [f"There is no definition '{named}'."]})
        return definition.raw

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("template_id", None)
        return attrs

    def to_representation(self, instance: ScheduledWorkflow) -> dict[str, Any]:
        template, definition = instance.template, instance.definition
        shown = super().to_representation(instance)
        shown["template"] = template.name if template else None
        shown["template_id"] = str(template.pk) if template else None
        shown["workflow_name"] = template.name if template else definition.name if definition else None
        shown |= {theirs: shown[ours] for theirs, ours in ALIASES.items() if theirs != "input"}
        return shown


class PauseSerializer(StrictSerializer):
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class TickSerializer(serializers.ModelSerializer[ScheduleTick]):
    """A row of the ledger, with what became of its run in Highway's words."""

    run_id = serializers.UUIDField(source="workflow_run_id", read_only=True)
    status = serializers.SerializerMethodField()
    started_at = serializers.SerializerMethodField()
    completed_at = serializers.SerializerMethodField()
    duration_seconds = serializers.SerializerMethodField()

    class Meta:
        model = ScheduleTick
        fields = (
            *("tick_id", "scheduled_for", "outcome", "reason", "lateness", "times", "workflow_run_id", "run_id"),
            *("status", "started_at", "completed_at", "duration_seconds", "created_at"),
        )

    def _run(self, tick: ScheduleTick) -> Any:
        return self.context["runs"].get(tick.workflow_run_id)

    def get_status(self, tick: ScheduleTick) -> str:
        run = self._run(tick)
        return str(run.status if run else tick.outcome)

    def get_started_at(self, tick: ScheduleTick) -> Any:
        run = self._run(tick)
        return run and run.started_at

    def get_completed_at(self, tick: ScheduleTick) -> Any:
        run = self._run(tick)
        return run and run.finished_at

    def get_duration_seconds(self, tick: ScheduleTick) -> float | None:
        run = self._run(tick)
        ended = run is not None and run.started_at and run.finished_at
        return (run.finished_at - run.started_at).total_seconds() if ended else None


def is_uuid(value: Any) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
