"""The tenant's mail texts."""

from __future__ import annotations

from django.utils.html import strip_tags

from highway_automation.base import clock
from highway_automation.base.errors import Conflict, FieldError, Invalid
from highway_automation.base.safe_json import JSON
from runs_app.expressions import ExpressionError, check_text
from runs_app.models import EmailTemplate
from runs_app.tools.mail_rendering import Mail, fill
from runs_app.tools.mail_texts import MAIL_TEXTS, MailText
from tenants_app.actions import queue_mail
from tenants_app.actions.checks import conflict
from tenants_app.models import OutboxMail, Tenant, User


def seed_mail_texts(tenant: Tenant) -> None:
    """Give a new tenant the texts that the examples use; texts it has already stay as they are."""
    at = clock.now()
    texts = [EmailTemplate(tenant=tenant, updated_at=at, **text) for text in MAIL_TEXTS]
    EmailTemplate.objects.for_tenant(tenant).bulk_create(texts, ignore_conflicts=True)


def save_mail_text(text: EmailTemplate) -> EmailTemplate:
    """Store a text that was edited as a row. Raises Invalid when a reference in it cannot be read, Conflict when its
    name is taken.
    """
    problems = [
        FieldError(name, f"{issue.message} {issue.cure}".strip())
        for name in ("subject", "body", "html")
        for issue in check_text(getattr(text, name), secrets=False)
        if not issue.warning
    ]
    if problems:
        raise Invalid("The mail text has references that cannot be read.", errors=problems)
    text.updated_at = clock.now()
    with conflict(f"There already is a mail text {text.name!r}."):
        text.save()
    return text


def delete_mail_text(text: EmailTemplate) -> None:
    text.delete()


def default_text(text: EmailTemplate) -> MailText | None:
    """What the text of this name said in a new tenant; None for one that people made."""
    return next((default for default in MAIL_TEXTS if default["name"] == text.name), None)


def restore_mail_text(text: EmailTemplate) -> EmailTemplate:
    """Give the text back what it said in a new tenant. Raises Conflict for one that the product does not bring."""
    default = default_text(text)
    if default is None:
        raise Conflict(f"{text.name} is your own text; the product brings {', '.join(d['name'] for d in MAIL_TEXTS)}.")
    text.subject, text.body, text.html = default["subject"], default["body"], default["html"]
    return save_mail_text(text)


def filled_text(text: EmailTemplate, inputs: JSON) -> Mail:
    """The text as a step with these inputs would send it. Raises Invalid where they lack what it needs."""
    if not isinstance(inputs, dict):
        raise Invalid("Inputs are a JSON object.", errors=[FieldError("inputs", "Give a JSON object.")])
    try:
        return fill(Mail(text.subject, text.body, text.html), inputs)
    except ExpressionError as error:
        raise Invalid("The text cannot be filled.", errors=[FieldError("inputs", str(error))]) from None


def mail_sample(text: EmailTemplate, inputs: JSON, actor: User) -> OutboxMail:
    """Send the filled text to the person who asks, by the Outbox. Raises Invalid as `filled_text` does."""
    mail = filled_text(text, inputs)
    body = mail.body or strip_tags(mail.html)
    return queue_mail(text.tenant_id, actor.email, f"[Sample] {mail.subject}", body, mail.html, "sample")
