"""The rows of the Outbox: queued in the caller's transaction, looked at in the admin, sent by `delivery`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from highway_automation.base import queue, safe_json
from highway_automation.base.clock import now
from highway_automation.base.errors import Conflict, FieldError, Invalid
from highway_automation.base.retention import purge_rows
from tenants_app.models import OutboxMail, Tenant, User
from tenants_app.models.outbox import MailStatus
from tenants_app.scoping import tenant_key

WORKFLOW = "workflow"
FILE_BACKEND = "django.core.mail.backends.filebased.EmailBackend"


def queue_mail(
    tenant: Tenant | str | None,
    to: str | Sequence[str],
    subject: str,
    text: str,
    html: str = "",
    kind: str = "notice",
    *,
    account: User | None = None,
) -> OutboxMail:
    """A mail that is sent once the caller's transaction commits, and tried again for about a day while it can't be.

    `tenant` None: it is about an account, no tenant's affair. `account` is whom `links.PLACE` in the texts is for.
    Raises Invalid for an address that is none.
    """
    mail = OutboxMail(kind=kind, to=addresses(to), subject=" ".join(clean(subject).split()), account=account)
    mail.tenant_id = tenant_key(tenant) if tenant is not None else None
    mail.text, mail.html = clean(text), clean(html)
    mail.message_id = f"<highway.{mail.pk}@{sender_domain()}>"
    mail.save(force_insert=True)
    queue.ring(queue.SEND_MAIL)
    return mail


def addresses(to: str | Sequence[str]) -> str:
    listed = [to] if isinstance(to, str) else list(to)
    try:
        for address in listed:
            validate_email(address)
    except ValidationError:
        raise Invalid(f"{address!r} is no mail address.", errors=[FieldError("to", "No mail address.")]) from None
    if not listed:
        raise Invalid("A mail needs a recipient.", errors=[FieldError("to", "Give an address.")])
    return ", ".join(listed)


def clean(text: str) -> str:
    return str(safe_json.clean(text))


def sender_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def mail_is_filed() -> bool:
    """Whether no mail server is set, so that mail is written to files."""
    return bool(settings.EMAIL_BACKEND == FILE_BACKEND)


def record_mail(tenant_id: str, **columns: Any) -> OutboxMail:
    """Keep what a workflow's step wrote to a file, so that it can be looked at; a step that ran again keeps one row."""
    rows = OutboxMail.objects.for_tenant(tenant_id)
    known = {name: safe_json.clean(value) for name, value in columns.items()}
    at = now()
    row, _ = rows.update_or_create(
        message_id=known.pop("message_id"),
        kind=WORKFLOW,
        tenant_id=tenant_id,
        defaults={**known, "status": MailStatus.FILED, "attempts": 1, "sent_at": at},
        create_defaults={**known, "status": MailStatus.FILED, "attempts": 1, "sent_at": at, "created_at": at},
    )
    return row


def may_retry(mail: OutboxMail) -> bool:
    return mail.kind != WORKFLOW and mail.status in {MailStatus.FAILED, MailStatus.FILED}


def retry_mail(mail: OutboxMail) -> OutboxMail:
    """Send it (again) from now on. Raises Conflict for one that is queued or sent, or belongs to a workflow's step."""
    if mail.kind == WORKFLOW:
        raise Conflict("A workflow's mail is sent again by retrying its run.")
    rows = OutboxMail.objects.all_tenants().filter(pk=mail.pk, status__in=[MailStatus.FAILED, MailStatus.FILED])
    if not rows.update(status=MailStatus.QUEUED, attempts=0, due_at=now(), lease_until=None):
        raise Conflict("Only a mail that failed or was written to a file can be sent again.")
    queue.ring(queue.SEND_MAIL)
    mail.refresh_from_db()
    return mail


def purge_mails(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Mails of a tenant that were made before a time and are not waiting to be sent."""
    return _purge(OutboxMail.objects.for_tenant(tenant_id), before, dry_run)


def forget_account_mail() -> int:
    """As `purge_mails`, for mail that belongs to no tenant, so that no tenant's retention reaches it."""
    days: int = settings.HIGHWAY_RETENTION_HISTORY_DAYS
    if not days:
        return 0
    return _purge(OutboxMail.objects.all_tenants().filter(tenant=None), now() - timedelta(days=days), False)


def _purge(rows: Any, before: datetime, dry_run: bool) -> int:
    old = rows.filter(created_at__lt=before).exclude(status=MailStatus.QUEUED)
    return purge_rows(old, dry_run=dry_run)
