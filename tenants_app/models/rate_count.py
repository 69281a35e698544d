from __future__ import annotations

from django.db import models

from highway_automation.base.db.counters import TABLE


class RateCount(models.Model):
    """How much of a limit is used up in one window, where no cache is shared by the web processes."""

    key = models.CharField(primary_key=True, max_length=255)
    used = models.IntegerField()
    ends_at = models.BigIntegerField(help_text="Unix time.")

    class Meta:
        db_table = TABLE

    def __str__(self) -> str:
        return self.key
