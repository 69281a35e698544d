"""One-time links: whoever receives one may choose the password of an account. Made when the mail is sent, never kept.

Django's token holds a hash of the account's password, e-mail and last login: using it, or signing in, ends it.
"""

from __future__ import annotations

import html

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tenants_app.models import OutboxMail, User

PLACE = "{one-time link}"
HIDDEN = "(the one-time link, which only the mail itself shows)"


class NoAccount(ValueError):
    """The account that a mail's link is for was deleted or made inactive meanwhile."""


def one_time_link(user: User) -> str:
    """At the deployment's own address; the Host header of a request would let a stranger choose where it leads."""
    ident = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[ident, default_token_generator.make_token(user)])
    return f"{settings.HIGHWAY_BASE_URL}{path}"


def needs_link(mail: OutboxMail) -> bool:
    return PLACE in mail.text or PLACE in mail.html


def with_link(mail: OutboxMail) -> tuple[str, str]:
    """The text and HTML as they are sent. Raises NoAccount."""
    if not needs_link(mail):
        return mail.text, mail.html
    if mail.account is None or not mail.account.is_active:
        raise NoAccount("The account this mail is about no longer exists, or is inactive.")
    link = one_time_link(mail.account)
    return mail.text.replace(PLACE, link), mail.html.replace(PLACE, html.escape(link))
