from __future__ import annotations

from django.db import models

from schedules_app.models.schedule import ScheduledWorkflow
from tenants_app.scoping import TenantModel


class FailureStreak(TenantModel):
    """How a schedule has been failing, and when its owner last heard of it.

    A row of its own, locked after runs and schedules: the end of a run may count here while a scheduler that holds the
    schedule waits for that run.
    """

    schedule = models.OneToOneField(
        ScheduledWorkflow, models.CASCADE, primary_key=True, related_name="failures", editable=False
    )
    in_a_row = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    since_mail = models.PositiveIntegerField(default=0, help_text="Failures that no mail has told of.")

    class Meta(TenantModel.Meta):
        db_table = "schedule_failures"
        verbose_name = "failures of a schedule"

    def __str__(self) -> str:
        return f"{self.in_a_row} in a row"
