from __future__ import annotations

from django.db import models
from django.db.models import Q

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from highway_automation.base.db.untrusted_json import UntrustedJSONField
from tenants_app.scoping import TenantModel
from triggers_app.conditions import Envelope


class Event(TenantModel):
    """Something that happened, kept as a row (the outbox) from the moment its cause commits. Immutable but for
    `dispatched_at`, which says that its triggers were decided.
    """

    event_id = TimeOrderedUUIDField()
    type = models.CharField(max_length=255)
    source = models.CharField(max_length=255, default="highway", help_text="Who says so.")
    subject = models.CharField(max_length=255, blank=True, help_text="What it is about.")
    payload = UntrustedJSONField(default=dict, blank=True)
    external_id = models.CharField(  # noqa: DJ001  (NULLs are out of the constraint)
        max_length=255, null=True, blank=True, help_text="The sender's id: a second event of the same id is the first."
    )
    occurred_at = models.DateTimeField(default=now)
    received_at = models.DateTimeField(default=now)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    causation_event_id = models.UUIDField(null=True, blank=True)
    causation_run_id = models.UUIDField(null=True, blank=True)
    depth = models.PositiveSmallIntegerField(default=0, help_text="How many events and their runs led here.")

    class Meta(TenantModel.Meta):
        db_table = "events"
        constraints = [models.UniqueConstraint(fields=["tenant", "source", "external_id"], name="event_received_once")]
        indexes = [
            models.Index(fields=["event_id"], name="event_undispatched", condition=Q(dispatched_at__isnull=True)),
            models.Index(fields=["tenant", "-event_id"], name="event_newest_first"),
            models.Index(fields=["tenant", "type", "-event_id"], name="event_type_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.type, self.source, self.subject, self.payload)
