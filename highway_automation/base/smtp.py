"""What a mail server's refusal means."""

from __future__ import annotations

import smtplib


def explain(error: Exception) -> tuple[bool, str]:
    """Whether trying again is pointless, and what was said. SMTP's 5xx answers and unsendable mails are permanent;
    everything else may work later.
    """
    permanent, said = isinstance(error, ValueError | smtplib.SMTPNotSupportedError), str(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        permanent = all(code >= 500 for code, _ in error.recipients.values())
        said = "; ".join(f"{address}: {code} {_text(reply)}" for address, (code, reply) in error.recipients.items())
    elif isinstance(error, smtplib.SMTPResponseException):
        permanent, said = error.smtp_code >= 500, f"{error.smtp_code} {_text(error.smtp_error)}"
    return permanent, said or type(error).__name__


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
