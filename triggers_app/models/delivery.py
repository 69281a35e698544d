from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Q

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.scoping import TenantModel
from triggers_app.models.event import Event
from triggers_app.models.trigger import EventTrigger

LIVE = UUID(int=0)
"""The replay id of a delivery that is none: the event itself came by."""


class Outcome(models.TextChoices):
    SUBMITTED = "submitted"
    SHADOW = "shadow"
    LOOPED = "looped"
    THROTTLED = "throttled"
    FAILED = "failed"


class TriggerDelivery(TenantModel):
    """What became of one event at one trigger that it matched. It outlives both and keeps their names."""

    delivery_id = TimeOrderedUUIDField()
    event = models.ForeignKey(Event, models.SET_NULL, null=True, blank=True, related_name="deliveries")
    event_type = models.CharField(max_length=255)
    trigger = models.ForeignKey(EventTrigger, models.SET_NULL, null=True, blank=True, related_name="deliveries")
    trigger_name = models.CharField(max_length=255)
    replay_id = models.UUIDField(default=LIVE, help_text="All zeros for the event itself, else the replay's id.")
    outcome = models.CharField(max_length=10, choices=Outcome)
    workflow_run_id = models.UUIDField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "trigger_deliveries"
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "trigger", "replay_id"], name="event_delivered_once"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="delivery_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-delivery_id"], name="delivery_newest_first"),
            models.Index(fields=["tenant", "-delivery_id"], name="delivery_failed", condition=Q(outcome="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} → {self.trigger_name}: {self.outcome}"

    @property
    def status(self) -> str:
        return self.outcome
