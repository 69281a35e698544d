from __future__ import annotations

from django.conf import settings
from django.db import models


class Stopped(models.Model):
    """When somebody stopped everything, who and why; all empty while it goes on."""

    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    stop_reason = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True


class Installation(Stopped):
    """The one row about all tenants together. It is locked by whoever stops all of them or makes another."""

    ONLY = 1

    class Meta:
        db_table = "installation"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_installation")]

    def __str__(self) -> str:
        return "the installation"
