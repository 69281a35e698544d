"""The policies of a schedule and the outcomes of a tick, as stored and as sent."""

from __future__ import annotations

from django.db import models

from schedules_app import cron


class Overlap(models.TextChoices):
    """What a tick does while an earlier run of its schedule is still open."""

    SKIP = "skip", "Skip: this time is left out"
    BUFFER_ONE = "buffer_one", "Buffer one: start one run when the open one ends"
    BUFFER_ALL = "buffer_all", "Buffer all: start one after the other"
    CANCEL_OTHER = "cancel_other", "Cancel the open run and start"
    TERMINATE_OTHER = "terminate_other", "Terminate the open run and start"
    ALLOW_ALL = "allow_all", "Allow all: start whatever is open"


class CatchUp(models.TextChoices):
    """What becomes of times at which no scheduler was running."""

    NONE = "none", "None: they are recorded as missed"
    LATEST = "latest", "Latest: the last one runs, the others are recorded as missed"
    ALL = "all", "All: each one runs, oldest first"


class DstGap(models.TextChoices):
    CRON = cron.Gap.CRON.value, "As cron: fixed times run once after the jump, wildcard jobs follow the clock"
    SKIP = cron.Gap.SKIP.value, "Skip: a time that does not exist is left out"
    SHIFT = cron.Gap.SHIFT.value, "Shift: it moves on by the length of the jump"


class DstOverlap(models.TextChoices):
    CRON = cron.Overlap.CRON.value, "As cron: fixed times run the first time only, wildcard jobs both times"
    FIRST = cron.Overlap.FIRST.value, "First: only the first of two equal times"
    LAST = cron.Overlap.LAST.value, "Last: only the second of two equal times"
    BOTH = cron.Overlap.BOTH.value, "Both of two equal times"


class Outcome(models.TextChoices):
    SUBMITTED = "submitted", "Submitted"
    RUN_BY_HAND = "run_by_hand", "Run by hand"
    BUFFERED = "buffered", "Waiting: a run is open"
    SKIPPED_OVERLAP = "skipped_overlap", "Skipped: a run was open"
    SKIPPED_BY_HAND = "skipped_by_hand", "Skipped by hand"
    MISSED = "missed", "Missed"
    FAILED_TO_SUBMIT = "failed_to_submit", "Failed to submit"
