"""The statuses as stored and as sent."""

from __future__ import annotations

from django.db import models


class RunStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SLEEPING = "sleeping"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SLEEPING = "sleeping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class BranchStatus(models.TextChoices):
    READY = "ready"
    RUNNING = "running"
    SLEEPING = "sleeping"
    ENDED = "ended"
    CANCELLED = "cancelled"


OPEN = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.SLEEPING)
FINAL = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
"""A run that is FINAL never changes again."""
