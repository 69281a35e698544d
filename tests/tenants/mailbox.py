"""A real SMTP server for the product's own mail."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """A mail server's handler: keeps what arrives, answers DATA as told, and may hold its answer back."""

    messages: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.arrived.set()
        while not self.hold.is_set():
            await asyncio.sleep(0.01)
        if self.answer.startswith("250"):
            self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answer

    def text(self, number: int = -1) -> str:
        """The plain text of a mail."""
        body = self.messages[number].get_body(("plain",))
        return str(body.get_content()) if body else ""

    def link(self, number: int = -1) -> str:
        """The path of the link in a mail."""
        [path] = re.findall(r"^https?://[^/\s]+(/\S+)\s*$", self.text(number), re.M)
        return str(path)
