"""tools.email.send: one mail, through the mail server of the deployment."""

from __future__ import annotations

import contextlib
import hashlib
import html
import smtplib
import socket
from collections.abc import Mapping
from email.headerregistry import Address

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.html import strip_tags

from highway_automation.base.safe_json import JSON
from highway_automation.base.smtp import explain
from runs_app.expressions import ExpressionError
from runs_app.models import EmailTemplate
from runs_app.tools import mail_arguments
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError
from runs_app.tools.mail_rendering import Mail, fill
from tenants_app.actions import mail_is_filed, record_mail

NAME = "tools.email.send"
KNOWN = (
    *("to", "cc", "bcc", "subject", "body", "html", "template", "context"),
    *("from", "reply_to", "attachments"),
)


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """to, cc, bcc, subject, body and/or html, or template + context, from, reply_to, attachments →
    {success, message_id, to, subject}.

    A step runs at least once; its mail has the same Message-ID each time, so that a second one is recognised.
    """
    given = Given(NAME, arguments, KNOWN)
    given.required("to")
    message = _message(given, context)
    if context.cancelled.is_set():
        raise ToolError(f"{NAME}: cancelled; nothing was sent.")
    _send(message, context)
    if mail_is_filed():
        _show_in_outbox(message, context)
    context.log(f"sent {message.subject!r} to {', '.join(message.recipients())}\n")
    to = message.to if isinstance(given.value("to"), list) else ", ".join(message.to)
    return {"success": True, "message_id": message.extra_headers["Message-ID"], "to": to, "subject": message.subject}


def _message(given: Given, context: ToolContext) -> EmailMultiAlternatives:
    mail = _mail(given, context)
    sender = (mail_arguments.addresses(given, "from") or _default_sender())[0]
    message = EmailMultiAlternatives(
        subject=mail_arguments.line(given, "subject", mail.subject),
        body=mail.body or html.unescape(strip_tags(mail.html)).strip(),
        from_email=str(sender),
        to=_texts(given, "to"),
        cc=_texts(given, "cc"),
        bcc=_texts(given, "bcc"),
        reply_to=_texts(given, "reply_to"),
        headers={"Message-ID": message_id(context.step_key, sender.domain), "Auto-Submitted": "auto-generated"},
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for attachment in mail_arguments.attachments(given):
        message.attach(attachment.filename, attachment.content, attachment.content_type)
    return message


def _texts(given: Given, name: str) -> list[str]:
    return [str(address) for address in mail_arguments.addresses(given, name)]


def _default_sender() -> list[Address]:
    return mail_arguments.addresses(
        Given("DEFAULT_FROM_EMAIL", {"from": settings.DEFAULT_FROM_EMAIL}, ("from",)), "from"
    )


def message_id(step_key: str, domain: str) -> str:
    return f"<highway.{hashlib.sha256(step_key.encode()).hexdigest()[:32]}@{domain}>"


def _mail(given: Given, context: ToolContext) -> Mail:
    """The texts to send. An explicit subject wins over the template's."""
    template, body, markup = given.text("template"), given.text("body"), given.text("html")
    if template and (body or markup):
        raise given.refusal("template", "and body or html are both given; leave one out")
    if template:
        mail = _from_template(given, context, template)
        return Mail(given.text("subject") or mail.subject, mail.body, mail.html)
    if not body and not markup:
        raise given.refusal("body", "is missing; give body, html or template")
    return Mail(given.as_text("subject", given.required("subject")), body, markup)


def _from_template(given: Given, context: ToolContext, name: str) -> Mail:
    texts = EmailTemplate.objects.for_tenant(context.tenant_id)
    text = texts.filter(name=name).first()
    if text is None:
        known = ", ".join(texts.order_by("name").values_list("name", flat=True)[:20])
        raise given.refusal("template", f"{name!r} is no mail text of this tenant; it has {known or 'none'}")
    values: Mapping[str, JSON] = {**context.inputs, **given.mapping("context")}
    try:
        return fill(Mail(text.subject, text.body, text.html), values)
    except ExpressionError as error:
        cure = "give it in context, or write a default into the mail text"
        raise given.refusal("template", f"{name!r} cannot be filled: {str(error).rstrip('.')}; {cure}") from None


def _send(message: EmailMultiAlternatives, context: ToolContext) -> None:
    connection = get_connection()
    forget = context.on_cancel(lambda: _hang_up(connection))
    try:
        connection.open()
        connection.send_messages([message])
    except (smtplib.SMTPException, OSError, ValueError) as error:
        if context.cancelled.is_set():
            raise ToolError(f"{NAME}: cancelled; the connection to the mail server was closed.") from None
        raise _failure(error) from None
    finally:
        forget()
        with contextlib.suppress(smtplib.SMTPException, OSError):
            connection.close()  # the mail is accepted or refused by now; how the good-bye goes changes nothing


def _show_in_outbox(message: EmailMultiAlternatives, context: ToolContext) -> None:
    """No mail server is set: the mail is a file, and a row that the tenant's people can look at."""
    record_mail(
        context.tenant_id,
        message_id=message.extra_headers["Message-ID"],
        to=context.masked(", ".join(message.recipients())),
        subject=context.masked(str(message.subject)),
        text=context.masked(str(message.body)),
        html=context.masked("".join(str(part[0]) for part in message.alternatives)),
        attachments=[context.masked(str(part[0])) for part in message.attachments if isinstance(part, tuple)],
    )


def _hang_up(connection: BaseEmailBackend) -> None:
    """Shut the SMTP connection down, which wakes whoever waits for an answer. Other backends have none."""
    for name in ("connection", "_partial_connection"):
        sock = getattr(getattr(connection, name, None), "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _failure(error: Exception) -> ToolError:
    permanent, said = explain(error)
    return ToolError(f"{NAME}: the mail was not accepted: {said}", permanent=permanent)


TOOL = Tool(NAME, run, positional=("to", "subject", "body"), bind={"html": "html"})
