"""The tenant's mail texts."""

from __future__ import annotations

from highway_automation.base import clock
from highway_automation.base.errors import FieldError, Invalid
from runs_app.expressions import check_text
from runs_app.models import EmailTemplate
from runs_app.tools.mail_texts import MAIL_TEXTS
from tenants_app.models import Tenant


def seed_mail_texts(tenant: Tenant) -> None:
    """Give a new tenant the texts that the examples use; texts it has already stay as they are."""
    at = clock.now()
    texts = [EmailTemplate(tenant=tenant, updated_at=at, **text) for text in MAIL_TEXTS]
    EmailTemplate.objects.for_tenant(tenant).bulk_create(texts, ignore_conflicts=True)


def save_mail_text(text: EmailTemplate) -> EmailTemplate:
    """Store a text that was edited as a row. Raises Invalid when a reference in it cannot be read."""
    problems = [
        FieldError(name, f"{issue.message} {issue.cure}".strip())
        for name in ("subject", "body", "html")
        for issue in check_text(getattr(text, name), secrets=False)
        if not issue.warning
    ]
    if problems:
        raise Invalid("The mail text has references that cannot be read.", errors=problems)
    text.updated_at = clock.now()
    text.save()
    return text


def delete_mail_text(text: EmailTemplate) -> None:
    text.delete()
