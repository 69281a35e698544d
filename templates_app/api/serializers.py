from __future__ import annotations

from typing import Any

from rest_framework import serializers

from highway_automation.base.api import StrictSerializer
from highway_automation.base.errors import BadRequest
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.api.base import TenantModelSerializer

MAX_COMMENT = 2_000


class TemplateSerializer(TenantModelSerializer):
    """A template as it is read and written; `comment` is kept with the version that a change makes."""

    workflow_definition = serializers.JSONField()
    input_schema = serializers.JSONField(required=False, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=50)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=MAX_COMMENT, write_only=True)

    highway_keys = frozenset({"warnings"})

    class Meta:
        model = WorkflowTemplate
        fields = [
            "template_id",
            "tenant_id",
            "name",
            "description",
            "workflow_definition",
            "input_schema",
            "category",
            "tags",
            "enabled",
            "version",
            "created_at",
            "updated_at",
            "comment",
        ]
        read_only_fields = ["template_id", "tenant_id", "version", "created_at", "updated_at"]


class ChangedTemplateSerializer(TemplateSerializer):
    """A change: what is left out stays as it is. The name may be there, but not be another one."""

    name = serializers.CharField(required=False)
    workflow_definition = serializers.JSONField(required=False)

    def validate_name(self, name: str) -> str:
        if isinstance(self.instance, WorkflowTemplate) and name != self.instance.name:
            raise BadRequest(f"A template keeps its name: {self.instance.name}. Create another one for {name}.")
        return name


class RunTemplateSerializer(StrictSerializer):
    inputs = serializers.JSONField(required=False)
    input = serializers.JSONField(required=False)
    idempotency_key = serializers.CharField(required=False, max_length=255)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "inputs" in given and "input" in given:
            raise serializers.ValidationError({"input": ["Give either this or inputs."]})
        given["inputs"] = given.get("inputs", given.pop("input", {}))
        return given


class StartedSerializer(StrictSerializer):
    """What running a template answers."""

    workflow_run_id = serializers.UUIDField()
    status = serializers.CharField()
    template = serializers.CharField()
    version = serializers.IntegerField()


class VersionSerializer(TenantModelSerializer):
    author = serializers.CharField(source="author.email", default=None, read_only=True)
    current = serializers.SerializerMethodField()

    class Meta:
        model = TemplateVersion
        fields = ["number", "current", "author", "comment", "created_at"]

    def get_current(self, version: TemplateVersion) -> bool:
        return version.number == version.template.version


class VersionDetailSerializer(VersionSerializer):
    workflow_definition = serializers.JSONField(source="definition.raw", read_only=True)
    input_schema = serializers.JSONField(read_only=True)

    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "workflow_definition", "input_schema"]


class RollbackSerializer(StrictSerializer):
    version = serializers.IntegerField(min_value=1, max_value=2_147_483_647)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_COMMENT)


class ValidateInputsSerializer(RunTemplateSerializer):
    """Inputs to be checked; or, without them, what would be changed in the template."""

    workflow_definition = serializers.JSONField(required=False)
    input_schema = serializers.JSONField(required=False, allow_null=True)


class VerdictSerializer(StrictSerializer):
    """What validating answers; `inputs` are the given ones with defaults filled in."""

    valid = serializers.BooleanField()
    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]
    warnings = serializers.ListField(child=serializers.DictField())
    inputs = serializers.JSONField(required=False)
