"""What the product itself writes to people. Nothing in these texts tells an inviter whether an account was known."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string

from tenants_app.links import NAME, PLACE
from tenants_app.models import Tenant, User

HOURS = settings.PASSWORD_RESET_TIMEOUT // 3600


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


def invitation(tenant: Tenant, role: str, actor: User | None) -> Letter:
    by = f"{plain(actor.get_full_name() or actor.email)} invited you" if actor else "You are invited"
    place = plain(str(tenant))
    return _letter(
        f"Your place in {place} on Highway Automation",
        [
            f"{by} to {place} on Highway Automation, as {role}. Your user name is {NAME}.",
            f"Open this link to begin. If you have no password yet, you choose one there; the link then works once and "
            f"for {HOURS} hours. After that, ask for a new one under “Forgotten your password” on the sign-in page.",
        ],
        "Begin",
    )


def plain(name: str) -> str:
    """Without what would be filled in: somebody's name must not take the reader's link along to an address in it."""
    return name.replace("{", "(").replace("}", ")")


def password_reset() -> Letter:
    return _letter(
        "Choose a new password for Highway Automation",
        [
            f"Somebody, probably you, asked for a new password for {NAME} on Highway Automation.",
            f"Open this link to choose one. It works once, for {HOURS} hours. If it wasn't you, do nothing: the "
            "present password stays.",
        ],
        "Choose a password",
    )


def _letter(subject: str, paragraphs: list[str], button: str) -> Letter:
    text = "\n\n".join(["Hello,", *paragraphs, PLACE, f"Highway Automation, {settings.HIGHWAY_BASE_URL}", ""])
    context = {"subject": subject, "paragraphs": paragraphs, "button": button, "link": PLACE}
    return Letter(subject, text, render_to_string("tenants_app/letter.html", context))
