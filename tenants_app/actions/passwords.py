"""How people get their password: by a link that is mailed to them, or printed by a command."""

from __future__ import annotations

from datetime import timedelta

from highway_automation.base.clock import now
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, NotFound
from tenants_app import letters
from tenants_app.actions.checks import refuse_weak
from tenants_app.actions.outbox import queue_mail
from tenants_app.links import INVITATION, one_time_link
from tenants_app.models import Membership, OutboxMail, User

RESET = "password_reset"
BETWEEN = timedelta(minutes=5)
A_DAY = 10
"""Mails about its password that one account gets in a day, whoever asks for them."""


def mail_password_link(email: str) -> None:
    """Mail a link to the account of this address. Does nothing, in silence, where there is none, or where it had one
    just now: who asks must not learn which addresses are known, nor fill somebody's mailbox.
    """
    with atomic():
        user = lock_rows(User.objects.filter(email__iexact=email, is_active=True)).first()
        if user is None or not may_mail(user, RESET):
            return
        letter = letters.password_reset()
        queue_mail(None, user.email, letter.subject, letter.text, letter.html, RESET, account=user)


def may_mail(user: User, kind: str) -> bool:
    at = now()
    mails = OutboxMail.objects.all_tenants().filter(account=user, kind=kind)
    if mails.filter(created_at__gt=at - BETWEEN).exists():
        return False
    return mails.filter(created_at__gt=at - timedelta(days=1)).count() < A_DAY


def mail_invitation(membership: Membership, actor: User | None = None) -> OutboxMail:
    letter = letters.invitation(membership.tenant, membership.role, actor)
    user = membership.user
    texts = (letter.subject, letter.text, letter.html)
    return queue_mail(membership.tenant, user.email, *texts, INVITATION, account=user)


def resend_invitation(membership: Membership, actor: User | None = None) -> OutboxMail:
    """Raises Conflict for who has a password already, and for who was sent one within the last five minutes."""
    with atomic():
        user = lock_rows(User.objects.filter(pk=membership.user_id)).get()
        if user.has_usable_password():
            raise Conflict(f"{user.email} has a password already; the sign-in page mails a link to who forgot it.")
        if not may_mail(user, INVITATION):
            raise Conflict(f"{user.email} was mailed an invitation less than five minutes ago, or too many today.")
        return mail_invitation(membership, actor)


def password_link(name: str) -> tuple[User, str]:
    """A one-time link for the account of this user name or e-mail. Raises NotFound, or Conflict for an inactive one."""
    users = User.objects.all()
    user = users.filter(username=name).first() or users.filter(email__iexact=name).first()
    if user is None:
        raise NotFound(f"There is no user {name!r}.")
    if not user.is_active:
        raise Conflict(f"{user.email} is inactive; make the account active first.")
    return user, one_time_link(user)


def choose_password(user: User, password: str) -> User:
    """Raises Invalid for a weak one."""
    refuse_weak(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    return user
