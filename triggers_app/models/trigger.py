from __future__ import annotations

from django.db import models
from django.db.models import Q

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField, uuid7
from highway_automation.base.db.untrusted_json import UntrustedJSONField
from tenants_app.models import Tenant
from tenants_app.scoping import TenantModel


class Mode(models.TextChoices):
    LIVE = "live", "Live: matching events start runs"
    SHADOW = "shadow", "Shadow: matches are recorded, nothing starts"


class EventTrigger(TenantModel):
    """Which events start which workflow: a template of the tenant (its current or a pinned version), or a definition
    of its own.
    """

    trigger_id = TimeOrderedUUIDField()
    name = models.CharField(max_length=255, blank=True, help_text="Left empty, it is the event type with a number.")
    event_type = models.CharField(max_length=100, help_text="The type of the events, exact or a glob such as order_*.")
    filter_expression = UntrustedJSONField(
        null=True, blank=True, help_text='What the payload must hold, such as {"workflow_name": "critical_*"}.'
    )
    source_match = models.CharField(max_length=255, blank=True, help_text="A glob for the source; empty fits all.")
    subject_match = models.CharField(max_length=255, blank=True, help_text="A glob for the subject; empty fits all.")
    template = models.ForeignKey(
        "templates_app.WorkflowTemplate", models.PROTECT, null=True, blank=True, related_name="event_triggers"
    )
    template_version = models.PositiveIntegerField(
        null=True, blank=True, help_text="Runs always use this version; empty means the current one."
    )
    workflow_definition = UntrustedJSONField(null=True, blank=True)
    definition = models.ForeignKey(
        "runs_app.WorkflowDefinition", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    input_mapping = UntrustedJSONField(
        null=True,
        blank=True,
        help_text='The run\'s inputs, such as {"to": "${event.payload.email}"}; empty: the payload is the inputs.',
    )
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.LIVE)
    max_depth = models.PositiveSmallIntegerField(
        default=5, help_text="Events that more than this many events and their runs led to start nothing here."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "event_triggers"
        verbose_name = "trigger"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="trigger_named_once"),
            models.CheckConstraint(
                condition=Q(template__isnull=True, workflow_definition__isnull=False)
                | Q(template__isnull=False, workflow_definition__isnull=True),
                name="trigger_starts_one_thing",
                violation_error_message="A trigger starts either a template or a definition of its own.",
            ),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="trigger_mode_known"),
        ]
        indexes = [models.Index(fields=["tenant"], name="trigger_enabled", condition=Q(enabled=True))]

    def __str__(self) -> str:
        return self.name


class TriggerRevision(models.Model):
    """Changes whenever a trigger of the tenant does, so that a process knows when its index of them is old.

    A verb that writes a trigger locks this row first and sets a new stamp in the same transaction. A stamp is never
    used twice, so one that was rolled back can't pass for another.
    """

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    stamp = models.UUIDField(default=uuid7)

    class Meta:
        db_table = "trigger_revisions"

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.stamp}"
