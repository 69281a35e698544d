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
NAME = "{user name}"
INVITATION = "invitation"


class NoAccount(ValueError):
    """The account that a mail's link is for was deleted, made inactive or given another e-mail meanwhile."""


def one_time_link(user: User) -> str:
    """At the deployment's own address; the Host header of a request would let a stranger choose where it leads."""
    ident = urlsafe_base64_encode(force_bytes(user.pk))
    return (
        f"{settings.HIGHWAY_BASE_URL}{reverse('password_link', args=[ident, default_token_generator.make_token(user)])}"
    )


def sign_in_page() -> str:
    return f"{settings.HIGHWAY_BASE_URL}{reverse('admin:login')}"


def with_link(mail: OutboxMail) -> tuple[str, str]:
    """The text and HTML as they are sent. Raises NoAccount.

    Who has a password already is only led to the sign-in page by an invitation: it gives a place, no second way in.
    """
    if PLACE not in mail.text and PLACE not in mail.html:
        return mail.text, mail.html
    user = mail.account
    if user is None or not user.is_active:
        raise NoAccount("The account this mail is about no longer exists, or is inactive.")
    if user.email != mail.to:
        raise NoAccount("The account this mail is about has another e-mail now.")
    known = mail.kind == INVITATION and user.has_usable_password()
    link, name = sign_in_page() if known else one_time_link(user), user.get_username()
    text = mail.text.replace(NAME, name).replace(PLACE, link)
    return text, mail.html.replace(NAME, html.escape(name)).replace(PLACE, html.escape(link))
