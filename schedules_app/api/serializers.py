from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from runs_app.models import WorkflowDefinition
from schedules_app.api.timing import ALIASES, INTEGER, TimingSerializer
from schedules_app.models import CatchUp, Overlap, ScheduledWorkflow
from schedules_app.preview import in_words
from templates_app.models import WorkflowTemplate
from tenants_app.models import Membership

TARGETS = ("template", "template_id", "workflow_definition", "definition_id", "definition_hash")
ONE_TARGET = "Name exactly one of template, workflow_definition, definition_id and definition_hash."


class OwnerField(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(value.email or value.get_username())


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
    enabled = serializers.BooleanField(required=False)
    pause_note = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    pause_until = serializers.DateTimeField(required=False, allow_null=True)
    pause_after_failures = serializers.IntegerField(required=False, min_value=0, max_value=INTEGER)
    owner = OwnerField(
        required=False, allow_null=True, max_length=254, help_text="Who gets a mail when it fails: a member's e-mail."
    )
    description = serializers.SerializerMethodField()
    last_run_at = serializers.DateTimeField(read_only=True, allow_null=True)
    next_run_at = serializers.DateTimeField(read_only=True, allow_null=True)
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
        self._refuse_two(data)
        if "template" in data or "template_id" in data:
            found["template"] = self._template(data.get("template") or data.get("template_id"))
        elif data.get("workflow_name") and not any(data.get(key) for key in TARGETS):
            return self._named(data["workflow_name"])
        for key, column in (("definition_id", "pk"), ("definition_hash", "sha256")):
            if data.get(key):
                found["workflow_definition"] = self._definition(key, column, data[key])
        return found

    def _refuse_two(self, data: Mapping[str, Any]) -> None:
        """A template has two words, which may be sent back together; `workflow_name` is repeated beside any of them."""
        named = [key for key in TARGETS if data.get(key) and not (key == "template_id" and data.get("template"))]
        if len(named) > 1:
            raise serializers.ValidationError({key: [ONE_TARGET] for key in named})

    def _named(self, name: Any) -> dict[str, Any]:
        """Highway's `workflow_name`: the template of this name, else the newest definition that was submitted as it."""
        tenant = self.context["request"].tenant
        template = WorkflowTemplate.objects.for_tenant(tenant).filter(name=str(name)).first()
        if template is not None:
            return {"template": template}
        definition = WorkflowDefinition.objects.for_tenant(tenant).filter(name=str(name)).order_by("-pk").first()
        if definition is None:
            raise serializers.ValidationError({"workflow_name": [f"There is no template or workflow '{name}'."]})
        return {"workflow_definition": definition.raw}

    def _template(self, named: Any) -> WorkflowTemplate | None:
        """The tenant's template of this name or id. Someone else's is as unknown as none."""
        if named is None:
            return None
        rows = WorkflowTemplate.objects.for_tenant(self.context["request"].tenant)
        template = rows.filter(name=str(named)).first() or (rows.filter(pk=named).first() if is_uuid(named) else None)
        if template is None:
            raise serializers.ValidationError({"template": [f"There is no template '{named}'."]})
        return template

    def _definition(self, key: str, column: str, named: Any) -> Any:
        rows = WorkflowDefinition.objects.for_tenant(self.context["request"].tenant)
        usable = column != "pk" or is_uuid(named)
        definition = rows.filter(**{column: str(named)}).first() if usable else None
        if definition is None:
            raise serializers.ValidationError({key: [f"There is no definition '{named}'."]})
        return definition.raw

    def validate_owner(self, named: str | None) -> Any:
        """A member of the tenant, by e-mail or user name."""
        if named is None:
            return None
        members = Membership.objects.for_tenant(self.context["request"].tenant).select_related("user")
        found = members.filter(Q(user__email__iexact=named) | Q(user__username=named)).order_by("pk").first()
        if found is None:
            raise serializers.ValidationError(f"No member is called '{named}'; give an e-mail, or null for nobody.")
        return found.user

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("template_id", None)
        return super().validate(attrs)

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


class SkipSerializer(StrictSerializer):
    scheduled_for = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="The time that is meant; the next one if left out."
    )


class RunNowSerializer(StrictSerializer):
    idempotency_key = serializers.CharField(required=False, max_length=255)


class RunStartedSerializer(serializers.Serializer[Any]):
    """What running a schedule by hand answers."""

    workflow_run_id = serializers.UUIDField()
    status = serializers.CharField()
    schedule_id = serializers.UUIDField()
    workflow_name = serializers.CharField()


def is_uuid(value: Any) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
