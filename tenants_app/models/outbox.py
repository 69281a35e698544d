from __future__ import annotations

from django.conf import settings
from django.db import models

from highway_automation.base.clock import now
from highway_automation.base.db import TimeOrderedUUIDField
from tenants_app.scoping import TenantModel


class MailStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    FILED = "filed", "Written to a file"
    FAILED = "failed", "Failed"


class OutboxMail(TenantModel):
    """A mail of the product, sent after commit by a task; or, without a mail server, the record of a workflow's mail.

    Mail about an account alone (a lost password) has no tenant: superusers see it. A one-time link is never stored: the
    row says whose it is (`account`), the text says where it goes, and it is made when the mail is sent.
    """

    outbox_mail_id = TimeOrderedUUIDField()
    tenant = models.ForeignKey(  # type: ignore[assignment]
        "tenants_app.Tenant", models.PROTECT, null=True, db_column="tenant_id", related_name="+"
    )
    kind = models.CharField(max_length=32, default="notice")
    to = models.TextField()
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField(blank=True)
    attachments = models.JSONField(default=list, help_text="Their names; what they hold is not kept.")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=16, choices=MailStatus.choices, default=MailStatus.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    message_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    claim_no = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        db_table = "outbox_mails"
        ordering = ["-outbox_mail_id"]
        verbose_name = "mail"
        verbose_name_plural = "mails"
        indexes = [
            models.Index(fields=["due_at"], name="mail_waiting", condition=models.Q(status="queued")),
            models.Index(fields=["tenant", "created_at"], name="mail_of_tenant"),
            models.Index(fields=["message_id"], name="mail_by_message_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=MailStatus.values), name="mail_status_known")
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"
