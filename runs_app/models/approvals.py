from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from highway_automation.base.db import TimeOrderedUUIDField
from runs_app.models.runs import WorkflowRun
from tenants_app.scoping import TenantModel, TenantQuerySet


class ApprovalStatus(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class OnTimeout(models.TextChoices):
    """What it means that nobody decided in time."""

    FAIL = "fail", "the step fails"
    APPROVE = "approve", "it counts as approved"
    REJECT = "reject", "it counts as rejected"
    CONTINUE = "continue", "the step succeeds with the status expired"


class ApprovalQuerySet(TenantQuerySet["Approval"]):
    def pending(self) -> ApprovalQuerySet:
        return self.filter(status=ApprovalStatus.PENDING)


class Approval(TenantModel):
    """A step of a run that waits for people. There is one per step, however often the step begins again.

    Its key may stand on several rows: another run's approval never answers this one's question.
    """

    approval_id = TimeOrderedUUIDField()
    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="approvals")
    path = models.CharField(max_length=1024, help_text="The step that waits.")
    approval_key = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    approval_data = models.JSONField(null=True, blank=True, help_text="What is to be approved.")
    approvers = models.JSONField(
        default=list, blank=True, help_text="Who may decide, besides having the role for it: e-mails and roles."
    )
    required = models.PositiveSmallIntegerField(default=1, help_text="How many different people have to approve.")
    form_schema = models.JSONField(null=True, blank=True, help_text="JSON Schema of the answers.")
    status = models.CharField(max_length=20, choices=ApprovalStatus, default=ApprovalStatus.PENDING)
    expires_at = models.DateTimeField(null=True, blank=True)
    on_timeout = models.CharField(max_length=20, choices=OnTimeout, default=OnTimeout.FAIL)
    decisions = models.JSONField(default=list, blank=True, help_text="Who said what, in the order of their saying it.")
    answers = models.JSONField(default=dict, blank=True)
    comment = models.TextField(blank=True)
    decided_by = models.CharField(max_length=255, blank=True, help_text="An e-mail, a key's name, or timeout.")
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = models.Manager.from_queryset(ApprovalQuerySet)()  # type: ignore[assignment]

    class Meta(TenantModel.Meta):
        db_table = "approvals"
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="approval_requested_once"),
            models.CheckConstraint(
                condition=Q(status=ApprovalStatus.PENDING, decided_at=None)
                | (~Q(status=ApprovalStatus.PENDING) & Q(decided_at__isnull=False)),
                name="approval_pending_or_decided",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-approval_id"], name="approval_newest_first"),
            models.Index(fields=["tenant", "approval_key", "-approval_id"], name="approval_by_key"),
            models.Index(
                fields=["tenant", "requested_at"], name="approval_pending", condition=Q(status=ApprovalStatus.PENDING)
            ),
            models.Index(fields=["expires_at"], name="approval_expiring", condition=Q(status=ApprovalStatus.PENDING)),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def url(self) -> str:
        """Where people decide it: for mails, logs and answers of the API."""
        return f"{settings.HIGHWAY_BASE_URL}{reverse('admin:runs_app_approval_change', args=[self.pk])}"

    @property
    def is_pending(self) -> bool:
        return self.status == ApprovalStatus.PENDING

    @property
    def approved_so_far(self) -> int:
        return sum(1 for decision in self.decisions if decision["approved"])
