from __future__ import annotations

from django.db import models


class Worker(models.Model):
    """A process that is alive, or was until its last heartbeat. It serves every tenant."""

    worker_id = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=20, choices=[("worker", "worker"), ("scheduler", "scheduler")])
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    busy = models.PositiveIntegerField(default=0, help_text="Branches it drives now.")
    capacity = models.PositiveIntegerField(default=0, help_text="Branches it can drive at once.")
    lag = models.FloatField(default=0, help_text="Seconds a scheduler's last fire was late.")

    class Meta:
        db_table = "workers"

    def __str__(self) -> str:
        return self.worker_id
