"""Sending queued mail: claim a row, talk to the mail server outside any transaction, write down how it went."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q

from highway_automation.base import queue
from highway_automation.base.clock import lease_now, now
from highway_automation.base.db import atomic, lock_rows, reconnect
from highway_automation.base.smtp import explain
from tenants_app.actions.outbox import mail_is_filed
from tenants_app.links import with_link
from tenants_app.models import OutboxMail
from tenants_app.models.outbox import MailStatus

AT_ONCE = 100
LEASE = timedelta(minutes=5)
"""Longer than a mail server can keep one mail busy; then the worker that had it is taken for dead."""
MOST_ATTEMPTS = 18
DATABASE_PATIENCE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 7200

log = logging.getLogger(__name__)


def send_queued_mail() -> int:
    """Send what is due, one after the other; how many were sent. Others may do the same at the same time."""
    sent = 0
    for _ in range(AT_ONCE):
        mail = claim_mail()
        if mail is None:
            return sent
        sent += deliver(mail)
    queue.ring(queue.SEND_MAIL)
    return sent


def sweep_mail() -> None:
    """Ring for mail whose doorbell was lost, whose pause is over, or whose worker died."""
    if _due().exists():
        queue.ring(queue.SEND_MAIL)


def _due() -> Any:
    free = Q(lease_until=None) | Q(lease_until__lt=lease_now())
    return OutboxMail.objects.all_tenants().filter(free, status=MailStatus.QUEUED, due_at__lte=now())


def claim_mail() -> OutboxMail | None:
    """One due mail that is ours alone until the lease ends; its attempt is counted."""
    if not _due().exists():
        return None
    with atomic():
        mail: OutboxMail | None = lock_rows(_due().order_by("due_at"), skip_locked=True).first()
        if mail is None:
            return None
        mail.claim_no, mail.attempts, mail.lease_until = mail.claim_no + 1, mail.attempts + 1, lease_now() + LEASE
        mail.save(update_fields=["claim_no", "attempts", "lease_until"])
    return mail


def deliver(mail: OutboxMail) -> bool:
    """Whether it was sent."""
    try:
        message(mail).send()
    except Exception as error:  # whatever a mail backend raises, the row says so and the next mail has its turn
        _failed(mail, error)
        return False
    _sent(mail)
    return True


def _sent(mail: OutboxMail) -> None:
    """Written down even if the database is away for a while (less than the lease): else the mail would go out twice."""
    deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
    while True:
        try:
            status = MailStatus.FILED if mail_is_filed() else MailStatus.SENT
            return _settle(mail, status=status, sent_at=now(), last_error="")
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            log.warning("That mail %s was sent could not be stored yet: %s", mail.pk, error)
            reconnect()
            time.sleep(0.2)


def message(mail: OutboxMail) -> EmailMultiAlternatives:
    """Raises NoAccount."""
    text, html = with_link(mail)
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    made = EmailMultiAlternatives(subject=mail.subject, body=text, to=mail.to.split(", "), headers=headers)
    if html:
        made.attach_alternative(html, "text/html")
    return made


def _failed(mail: OutboxMail, error: Exception) -> None:
    permanent, said = explain(error)
    said = said.replace("\x00", "\ufffd")[:2000]
    if permanent or mail.attempts >= MOST_ATTEMPTS:
        log.warning("Mail %s could not be sent: %s", mail.pk, said)
        _settle(mail, status=MailStatus.FAILED, last_error=said)
        return
    pause = timedelta(seconds=min(10 * 3 ** (mail.attempts - 1), LONGEST_PAUSE_SECONDS))
    _settle(mail, last_error=said, due_at=now() + pause)


def _settle(mail: OutboxMail, **changes: Any) -> None:
    """Fenced: a worker that lost its claim changes nothing."""
    ours = OutboxMail.objects.all_tenants().filter(pk=mail.pk, claim_no=mail.claim_no)
    ours.update(lease_until=None, claim_no=F("claim_no") + 1, **changes)
