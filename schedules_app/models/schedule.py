from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from schedules_app.cron import CronError, CronSpec, only_tick, parse
from schedules_app.models.choices import CatchUp, DstGap, DstOverlap, Overlap
from tenants_app.scoping import TenantModel, TenantQuerySet


class ScheduleQuerySet(TenantQuerySet["ScheduledWorkflow"]):
    def due(self, at: datetime) -> ScheduleQuerySet:
        """What a scheduler has to decide at this moment, the latest ones last."""
        return self.filter(enabled=True, next_run_at__lte=at).order_by("next_run_at")

    def waiting(self) -> ScheduleQuerySet:
        """Enabled ones whose next time is known, the soonest first."""
        return self.filter(enabled=True, next_run_at__isnull=False).order_by("next_run_at")

    def unplanned(self) -> ScheduleQuerySet:
        """Enabled ones whose next time nobody computed: rows written by SQL."""
        return self.filter(enabled=True, next_run_at__isnull=True)

    def resuming(self, at: datetime) -> ScheduleQuerySet:
        """Paused ones whose pause ends by itself at this moment or before."""
        return self.filter(enabled=False, pause_until__lte=at)


class ScheduledWorkflow(TenantModel):
    """When to start a workflow: a template of the tenant (its current or a pinned version), or a definition of its own.

    `next_run_at` is the only thing a scheduler looks for; `enabled=False` is the only paused state.
    """

    schedule_id = TimeOrderedUUIDField()
    name = models.CharField(max_length=255)
    cron_expression = models.CharField(
        max_length=100,
        help_text="Five fields, or six with seconds last; @daily and its like; @every 5m; @at 2026-12-01 09:00.",
    )
    template = models.ForeignKey(
        "templates_app.WorkflowTemplate", models.PROTECT, null=True, blank=True, related_name="schedules"
    )
    template_version = models.PositiveIntegerField(
        null=True, blank=True, help_text="Runs always use this version; empty means the current one."
    )
    workflow_definition = models.JSONField(null=True, blank=True)
    definition = models.ForeignKey(
        "runs_app.WorkflowDefinition", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    inputs = models.JSONField(
        default=dict, blank=True, help_text='The run\'s inputs; they may refer to the time, such as {"day": "${ds}"}.'
    )
    timezone = models.CharField(max_length=64, default="UTC", help_text="An IANA name such as Europe/Berlin.")
    dst_gap = models.CharField(
        "when a time does not exist", max_length=10, choices=DstGap, default=DstGap.CRON, help_text="Clocks go forward."
    )
    dst_overlap = models.CharField(
        "when a time comes twice", max_length=10, choices=DstOverlap, default=DstOverlap.CRON, help_text="They go back."
    )
    day_or = models.BooleanField(
        "either day field is enough",
        default=True,
        help_text="As cron does where both are given. Off: day of month and day of week must both match.",
    )
    overlap = models.CharField(max_length=20, choices=Overlap, default=Overlap.SKIP)
    catch_up = models.CharField(max_length=10, choices=CatchUp, default=CatchUp.LATEST)
    catch_up_window = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds after which a time is too old to be made up for; empty: never."
    )
    start_at = models.DateTimeField(null=True, blank=True, help_text="No time before this one.")
    end_at = models.DateTimeField(null=True, blank=True, help_text="No time after this one.")
    remaining_runs = models.PositiveIntegerField(null=True, blank=True, help_text="Ends after so many; empty: never.")
    spread = models.PositiveIntegerField(default=0, help_text="Seconds over which the start is spread; 0: none.")
    enabled = models.BooleanField(default=True)
    pause_note = models.TextField(blank=True)
    pause_until = models.DateTimeField(null=True, blank=True, help_text="Resumes by itself then.")
    pause_after_failures = models.PositiveIntegerField(default=0, help_text="Failed runs in a row; 0: never.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="owned_schedules"
    )
    last_run_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When the last run started.")
    next_run_at = models.DateTimeField(null=True, blank=True, editable=False)
    previous_slot = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    execution_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    objects = models.Manager.from_queryset(ScheduleQuerySet)()  # type: ignore[misc, assignment]

    class Meta(TenantModel.Meta):
        db_table = "scheduled_workflows"
        verbose_name = "schedule"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="schedule_named_once",
                violation_error_message="The tenant already has a schedule of this name.",
            ),
            models.CheckConstraint(
                condition=Q(template__isnull=True, workflow_definition__isnull=False)
                | Q(template__isnull=False, workflow_definition__isnull=True),
                name="schedule_starts_one_thing",
                violation_error_message="A schedule starts either a template or a definition of its own.",
            ),
            models.CheckConstraint(condition=Q(overlap__in=Overlap.values), name="schedule_overlap_known"),
            models.CheckConstraint(condition=Q(catch_up__in=CatchUp.values), name="schedule_catch_up_known"),
            models.CheckConstraint(condition=Q(dst_gap__in=DstGap.values), name="schedule_dst_gap_known"),
            models.CheckConstraint(condition=Q(dst_overlap__in=DstOverlap.values), name="schedule_dst_overlap_known"),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(enabled=True)),
            models.Index(fields=["pause_until"], name="schedule_resumes", condition=Q(pause_until__isnull=False)),
            models.Index(fields=["tenant", "-schedule_id"], name="schedule_newest_first"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def at(self) -> str | None:
        """The moment of one that comes once, with its zone's offset; None for all others."""
        try:
            tick = only_tick(self.spec)
            return tick.at.astimezone(self.spec.zone).isoformat() if tick else None
        except CronError:
            return None

    @property
    def spec(self) -> CronSpec:
        """The parsed expression. Raises CronError."""
        return parse(
            self.cron_expression,
            self.timezone,
            gap=self.dst_gap,
            overlap=self.dst_overlap,
            day_or=self.day_or,
            seed=str(self.pk),
        )
