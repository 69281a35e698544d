from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from runs_app.models import WorkflowDefinition
from tenants_app.scoping import TenantModel

RESERVED_NAMES = frozenset({"export", "import", "new", "run", "validate", "versions"})
"""Words that are, or may become, paths beside the templates' own."""

MAX_TAGS, MAX_TAG = 50, 100


def refuse_reserved(name: str) -> None:
    if name in RESERVED_NAMES:
        raise ValidationError(f"`{name}` is a reserved word.")


def check_tags(tags: object) -> None:
    """A list of up to 50 short texts."""
    is_list = isinstance(tags, list) and all(isinstance(tag, str) and 0 < len(tag) <= MAX_TAG for tag in tags)
    if not is_list or len(tags) > MAX_TAGS:  # type: ignore[arg-type]
        raise ValidationError(f"Give a list of at most {MAX_TAGS} texts of 1 to {MAX_TAG} characters.")


class WorkflowTemplate(TenantModel):
    """A workflow that is run by name, with parameters. Its columns are those of its current version."""

    template_id = TimeOrderedUUIDField()
    name = models.CharField(
        max_length=255,
        validators=[
            RegexValidator(
                re.compile(r"\A[a-z][a-z0-9_.-]{0,254}\Z"),
                "Start with a small letter; go on with small letters, digits, `_`, `.` or `-`; at most 255 in all.",
            ),
            refuse_reserved,
        ],
    )
    description = models.TextField(blank=True, max_length=10_000)
    workflow_definition = models.JSONField(help_text="In the definition language, as JSON.")
    input_schema = models.JSONField(
        null=True, blank=True, help_text="JSON Schema (2020-12) of the inputs, as Pydantic emits it. Empty: any inputs."
    )
    category = models.CharField(max_length=100, blank=True, help_text="Such as maintenance, notifications, etl.")
    tags = models.JSONField(default=list, blank=True, validators=[check_tags], help_text='A list such as ["nightly"].')
    enabled = models.BooleanField(default=True, help_text="A disabled template starts no new runs.")
    version = models.PositiveIntegerField(default=1, editable=False)
    definition = models.ForeignKey(
        WorkflowDefinition, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "workflow_templates"
        verbose_name = "template"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="template_name_once",
                violation_error_message="There is a template of this name already.",
            )
        ]
        indexes = [models.Index(fields=["tenant", "category"], name="template_by_category")]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(TenantModel):
    """What a template was from one change to the next. Immutable."""

    version_id = TimeOrderedUUIDField()
    template = models.ForeignKey(WorkflowTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.ForeignKey(WorkflowDefinition, models.PROTECT, related_name="+")
    input_schema = models.JSONField(null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="template_versions"
    )
    comment = models.TextField(blank=True, max_length=2_000)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "workflow_template_versions"
        verbose_name = "version"
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]

    def __str__(self) -> str:
        return f"v{self.number}"
