from __future__ import annotations

from django.db import models

from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.scoping import TenantModel


class WorkflowDefinition(TenantModel):
    """A definition as it was given and in canonical form. Immutable: equal content is the same row."""

    definition_id = TimeOrderedUUIDField()
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=100, blank=True)
    raw = models.JSONField()
    body = models.JSONField(help_text="The canonical form, which is what runs.")
    warnings = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "workflow_definitions"
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="definition_stored_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class WorkflowName(TenantModel):
    """What a name means to child workflows and `tools.workflow.execute`: written when a version is published."""

    name = models.CharField(max_length=255)
    version = models.PositiveIntegerField()
    definition = models.ForeignKey(WorkflowDefinition, on_delete=models.PROTECT, related_name="names")
    published_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "workflow_names"
        constraints = [models.UniqueConstraint(fields=["tenant", "name", "version"], name="name_published_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
