from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from highway_automation.base.db import TimeOrderedUUIDField
from runs_app.models.definitions import WorkflowDefinition
from runs_app.statuses import FINAL, OPEN, BranchStatus, RunStatus, StepStatus
from tenants_app.scoping import TenantModel, TenantQuerySet


class RunQuerySet(TenantQuerySet["WorkflowRun"]):
    def open(self) -> RunQuerySet:
        return self.filter(status__in=OPEN)


class WorkflowRun(TenantModel):
    """One execution of a definition. It never changes what it runs, whatever happens to the template."""

    workflow_run_id = TimeOrderedUUIDField()
    workflow_name = models.CharField(max_length=255)
    definition = models.ForeignKey(WorkflowDefinition, on_delete=models.PROTECT, related_name="runs")
    template_version = models.PositiveIntegerField(null=True, blank=True)
    queue = models.CharField(max_length=100, default="highway_internal")
    priority = models.SmallIntegerField(default=0, help_text="Higher runs first.")
    status = models.CharField(max_length=20, choices=RunStatus, default=RunStatus.PENDING)
    cause_kind = models.CharField(max_length=20)
    cause_id = models.CharField(max_length=255, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    inputs = models.JSONField(default=dict, blank=True)
    context = models.JSONField(default=dict, blank=True, help_text="What event.* and schedule.* read.")
    variables = models.JSONField(default=dict, blank=True, help_text="Variables set while it runs.")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  (NULLs are free of the constraint)
    payload_hash = models.CharField(max_length=64, blank=True)
    parent_run_id = models.UUIDField(null=True, blank=True)
    parent_path = models.CharField(max_length=1024, blank=True, help_text="The step of the parent that waits for it.")
    root_run_id = models.UUIDField(null=True, blank=True)
    nesting = models.PositiveSmallIntegerField(default=0, help_text="How many runs started each other down to here.")
    depth = models.PositiveSmallIntegerField(default=0, help_text="How many events led here.")
    journal_seq = models.PositiveIntegerField(default=0)
    deadline_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = models.Manager.from_queryset(RunQuerySet)()  # type: ignore[assignment]

    class Meta(TenantModel.Meta):
        db_table = "workflow_runs"
        verbose_name = "run"
        constraints = [models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="run_submitted_once")]
        indexes = [
            models.Index(fields=["tenant", "-workflow_run_id"], name="run_newest_first"),
            models.Index(fields=["cause_kind", "cause_id", "-workflow_run_id"], name="run_by_cause"),
            models.Index(fields=["tenant", "status"], name="run_open", condition=Q(status__in=OPEN)),
            models.Index(fields=["cause_kind", "cause_id"], name="run_open_by_cause", condition=Q(status__in=OPEN)),
            models.Index(fields=["deadline_at"], name="run_deadline", condition=Q(status__in=OPEN)),
            models.Index(
                fields=["parent_run_id"],
                name="run_open_child",
                condition=Q(status__in=OPEN, parent_run_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_name} {self.workflow_run_id}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class RunBranch(TenantModel):
    """The unit of claiming: one chain of steps that one worker drives at a time.

    Every write of a drive holds `claim_no`; whoever takes the branch over raises it, so an old driver writes nothing.
    """

    branch_id = TimeOrderedUUIDField()
    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="branches")
    path = models.CharField(max_length=1024, help_text="The step it stands at.")
    attempt = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=20, choices=BranchStatus, default=BranchStatus.READY)
    priority = models.SmallIntegerField(default=0)
    ready_at = models.DateTimeField()
    wake_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claim_no = models.PositiveIntegerField(default=0)
    parked = models.BooleanField(default=False, help_text="Asleep in a step that something else may wake.")
    nudged = models.BooleanField(default=False, help_text="Woken while it was under way: it does not fall asleep.")
    lost_claims = models.PositiveSmallIntegerField(default=0, help_text="Workers that died at this step.")
    worker = models.CharField(max_length=255, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "run_branches"
        verbose_name = "branch"
        verbose_name_plural = "branches"
        indexes = [
            models.Index(
                fields=["tenant", "-priority", "ready_at"],
                name="branch_ready",
                condition=Q(status=BranchStatus.READY),
            ),
            models.Index(fields=["wake_at"], name="branch_sleeping", condition=Q(status=BranchStatus.SLEEPING)),
            models.Index(fields=["lease_until"], name="branch_leased", condition=Q(status=BranchStatus.RUNNING)),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.path}"


class StepRun(TenantModel):
    """One attempt at one step. The last one of a path is its entry in the run's journal (`settled`)."""

    step_id = TimeOrderedUUIDField()
    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="steps")
    branch_id = models.UUIDField(null=True, blank=True)
    path = models.CharField(max_length=1024)
    attempt = models.PositiveIntegerField(default=1)
    operator = models.CharField(max_length=50)
    tool = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=20, choices=StepStatus, default=StepStatus.RUNNING)
    settled = models.BooleanField(default=False)
    seq = models.PositiveIntegerField(null=True, blank=True)
    chosen = models.JSONField(default=list, blank=True, help_text="What a routing step chose.")
    input = models.JSONField(null=True, blank=True)
    output = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    parked = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        db_table = "step_runs"
        verbose_name = "step"
        constraints = [models.UniqueConstraint(fields=["run", "path", "attempt"], name="step_attempted_once")]

    def __str__(self) -> str:
        return f"{self.path} #{self.attempt}"


class StepLog(TenantModel):
    """The tail of what a step printed; written apart from its result, at most once a second."""

    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="logs")
    path = models.CharField(max_length=1024)
    attempt = models.PositiveIntegerField(default=1)
    text = models.TextField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "step_logs"
        constraints = [models.UniqueConstraint(fields=["run", "path", "attempt"], name="step_log_once")]

    def __str__(self) -> str:
        return f"{self.path} #{self.attempt}"
