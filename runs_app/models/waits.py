from __future__ import annotations

from django.db import models
from django.db.models import Q

from highway_automation.base.db import TimeOrderedUUIDField
from runs_app.models.runs import WorkflowRun
from tenants_app.scoping import TenantModel


class WorkflowEvent(TenantModel):
    """A named event of the definition language, written once: the first payload wins.

    With a `run` only that run hears it (a signal, the end of one of its activities), else every run of the tenant.
    """

    workflow_event_id = TimeOrderedUUIDField()
    name = models.CharField(max_length=255)
    run = models.ForeignKey(
        WorkflowRun, on_delete=models.CASCADE, null=True, blank=True, related_name="own_events",
        help_text="The only run that hears it; empty means all of the tenant.",
    )  # fmt: skip
    emitted_by = models.UUIDField(null=True, blank=True, help_text="The run that emitted it.")
    payload = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Says that what was waited for failed.")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "workflow_events"
        verbose_name = "workflow event"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="workflow_event_once", condition=Q(run=None)),
            models.UniqueConstraint(
                fields=["run", "name"], name="workflow_event_once_per_run", condition=Q(run__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EventWait(TenantModel):
    """A parked branch waits for an event of this name; what came for it stands here until the branch goes on."""

    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="waits")
    branch_id = models.UUIDField()
    path = models.CharField(max_length=1024)
    name = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    happened_at = models.DateTimeField(null=True, blank=True)
    payload = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        db_table = "event_waits"
        verbose_name = "wait"
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="wait_once_per_step")]
        indexes = [
            models.Index(fields=["tenant", "name"], name="wait_open_by_name", condition=Q(happened_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.path} waits for {self.name}"
