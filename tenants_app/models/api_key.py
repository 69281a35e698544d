from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.roles import Role
from tenants_app.scoping import TenantModel


def as_of_now(keys: models.QuerySet[APIKey]) -> models.QuerySet[APIKey]:
    """The same keys, all judged at one moment: asking the clock may cost a query per key."""
    return keys.annotate(seen_at=models.Value(now(), output_field=models.DateTimeField()))


class APIKey(TenantModel):
    """A program's way in. The key itself is shown once; we keep its beginning, to find it, and its hash."""

    api_key_id = TimeOrderedUUIDField()
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    prefix = models.CharField(max_length=32, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    permissions = models.JSONField(default=list, blank=True, editable=False)
    allowed_ips = models.JSONField(
        default=list, blank=True, help_text='Addresses or networks it may be used from, as "192.0.2.0/24"; none = any.'
    )
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "api_keys"
        ordering = ["-api_key_id"]
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        constraints = [models.CheckConstraint(condition=models.Q(role__in=Role.values), name="api_key_role_known")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def status(self) -> str:
        """active, expired or revoked: now, or at the moment the query `as_of_now` was made."""
        return self.status_at(getattr(self, "seen_at", None) or now())

    def status_at(self, moment: datetime) -> str:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= moment else "active"
