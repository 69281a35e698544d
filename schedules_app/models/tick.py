from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Q

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from schedules_app.models.choices import Outcome
from schedules_app.models.schedule import ScheduledWorkflow
from tenants_app.scoping import TenantModel, TenantQuerySet

LIVE = UUID(int=0)
"""The backfill id of a tick that is none: the time itself came."""


class TickQuerySet(TenantQuerySet["ScheduleTick"]):
    def waiting(self) -> TickQuerySet:
        """Times that start when the open run ends, the oldest first."""
        return self.filter(outcome=Outcome.BUFFERED).order_by("scheduled_for")


class ScheduleTick(TenantModel):
    """What became of one time of a schedule. The constraint makes it once, whatever number of schedulers decide it;
    the row outlives its schedule and keeps its name.
    """

    tick_id = TimeOrderedUUIDField()
    schedule = models.ForeignKey(ScheduledWorkflow, models.SET_NULL, null=True, blank=True, related_name="ticks")
    schedule_name = models.CharField(max_length=255)
    scheduled_for = models.DateTimeField()
    backfill_id = models.UUIDField(
        default=LIVE, help_text="All zeros for the time itself; the run's id for a run by hand."
    )
    outcome = models.CharField(max_length=20, choices=Outcome)
    reason = models.TextField(blank=True)
    workflow_run_id = models.UUIDField(null=True, blank=True)
    lateness = models.FloatField(default=0, help_text="Seconds between the time and the decision.")
    times = models.PositiveIntegerField(default=1, help_text="How many times one row of missed ones stands for.")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = models.Manager.from_queryset(TickQuerySet)()  # type: ignore[misc, assignment]

    class Meta(TenantModel.Meta):
        db_table = "schedule_ticks"
        verbose_name = "tick"
        constraints = [
            models.UniqueConstraint(fields=["schedule", "scheduled_for", "backfill_id"], name="tick_decided_once"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="tick_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-scheduled_for"], name="tick_newest_first"),
            models.Index(
                fields=["tenant", "-scheduled_for"], name="tick_failed", condition=Q(outcome=Outcome.FAILED_TO_SUBMIT)
            ),
            models.Index(
                fields=["schedule", "scheduled_for"], name="tick_waiting", condition=Q(outcome=Outcome.BUFFERED)
            ),
            models.Index(fields=["workflow_run_id"], name="tick_of_run", condition=Q(workflow_run_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_name} {self.scheduled_for:%Y-%m-%d %H:%M:%S}: {self.outcome}"
