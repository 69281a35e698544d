from __future__ import annotations

import email
import email.policy
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core import mail
from pytest_django import Settings

from runs_app.expressions import Names
from runs_app.models import EmailTemplate
from runs_app.tools import ToolContext, ToolError
from runs_app.tools.mail_rendering import bind_html
from runs_app.tools.mail_texts import MAIL_TEXTS
from tenants_app.models import OutboxMail, Tenant

from .context import Log, call, context, in_thread

SEND = "tools.email.send"


@dataclass
class Mailbox:
    """A mail server's handler: keeps what arrives, answers a command as told."""

    envelopes: list[Envelope] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        return "250 OK"

    def message(self) -> EmailMessage:
        [envelope] = self.envelopes
        assert isinstance(envelope.content, bytes)
        return email.message_from_bytes(envelope.content, policy=email.policy.default)


@pytest.fixture
def mailbox(settings: Settings, free_port: int) -> Iterator[Mailbox]:
    """A real SMTP server, and the product configured for it."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port)
    controller.start()
    use(settings, free_port)
    yield mailbox
    controller.stop()


def use(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 10
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Highway <highway@acme.example>"


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n").rstrip()


def refused(given: ToolContext | None = None, /, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(SEND, given, **arguments)
    return caught.value


def test_a_mail_arrives(mailbox: Mailbox) -> None:
    log = Log()
    output = call(
        SEND, context(log=log), to="Änne Müller <anne@acme.example>", cc=["c@acme.example"], bcc="b@acme.example",
        subject="Grüße", body="Hallo\nWelt", html="<p>Hallo</p>", reply_to="help@acme.example",
    )  # fmt: skip
    assert output == {
        "success": True,
        "message_id": mailbox.message()["Message-ID"],
        "to": "Änne Müller <anne@acme.example>",
        "subject": "Grüße",
    }
    message, [envelope] = mailbox.message(), mailbox.envelopes
    assert envelope.rcpt_tos == ["anne@acme.example", "c@acme.example", "b@acme.example"]
    assert envelope.mail_from == "highway@acme.example"
    assert message["Subject"] == "Grüße" and message["From"] == "Highway <highway@acme.example>"
    assert message["To"].addresses[0].display_name == "Änne Müller"
    assert message["Cc"] == "c@acme.example" and message["Bcc"] is None
    assert message["Reply-To"] == "help@acme.example" and message["Auto-Submitted"] == "auto-generated"
    assert part(message, "plain") == "Hallo\nWelt" and part(message, "html") == "<p>Hallo</p>"
    assert "anne@acme.example" in log.text


def test_a_repeated_mail_is_recognised_by_its_message_id(mailbox: Mailbox) -> None:
    first, again, other = (
        call(SEND, context(**fields), to="a@acme.example", subject="s", body="b")["message_id"]
        for fields in ({"attempt": 1}, {"attempt": 2}, {"step_key": "another:step"})
    )
    assert first == again != other
    assert re.fullmatch(r"<highway\.[0-9a-f]{32}@acme\.example>", first)


def test_sender_and_lists(mailbox: Mailbox) -> None:
    to = ["a@acme.example", "Bo <b@acme.example>, c@acme.example"]
    output = call(SEND, to=to, subject="s", body="b", **{"from": "Ops <ops@acme.example>"})
    assert output["to"] == ["a@acme.example", "Bo <b@acme.example>", "c@acme.example"]
    assert mailbox.envelopes[0].rcpt_tos == ["a@acme.example", "b@acme.example", "c@acme.example"]
    assert mailbox.message()["From"] == "Ops <ops@acme.example>"


def test_html_alone_gets_a_plain_text(mailbox: Mailbox) -> None:
    call(SEND, to="a@acme.example", subject="s", html="<h1>Tom &amp; Co</h1>")
    assert part(mailbox.message(), "plain") == "Tom & Co"


def test_attachments(mailbox: Mailbox) -> None:
    files = [
        {"filename": "../r.csv", "content": "a,b\n", "content_type": "text/csv"},
        {"filename": "rows.json", "content": [1], "content_type": "application/json"},
        {"filename": "x.bin", "content_base64": "AAH/"},
    ]
    call(SEND, to="a@acme.example", subject="s", body="b", attachments=files)
    found = list(mailbox.message().iter_attachments())
    assert [item.get_filename() for item in found] == ["r.csv", "rows.json", "x.bin"]
    assert [item.get_payload(decode=True) for item in found] == [b"a,b\r\n", b"[1]", b"\0\1\xff"]


# Mail texts ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(tenant_id="acme", name="Acme")


def add_text(tenant: Tenant, **text: str) -> None:
    known = {"name": "news", "subject": "News", "body": "text", "html": "", **text}
    EmailTemplate.objects.for_tenant(tenant).update_or_create(
        name=known.pop("name"), defaults={**known, "updated_at": "2030-01-01T00:00:00Z"}
    )


def sent(given: ToolContext, **arguments: Any) -> mail.EmailMultiAlternatives:
    call(SEND, given, to="a@acme.example", **arguments)
    message = mail.outbox[-1]
    assert isinstance(message, mail.EmailMultiAlternatives)
    return message


def test_a_mail_text_is_filled_from_inputs_and_context(tenant: Tenant) -> None:
    body = '${input.email} {{name | default("there")}} {{plan}} {{ n }}'
    add_text(tenant, subject="For {{input.email}}", body=body, html="<p>{{name | default('x')}} {{plan}}</p>")
    given = context(inputs={"email": "a@acme.example", "plan": "free", "name": "", "n": 3})
    message = sent(given, template="news", context={"plan": "<b>paid</b> & more"})
    assert message.subject == "For a@acme.example"
    assert message.body == "a@acme.example there <b>paid</b> & more 3"
    assert message.alternatives[0][0] == "<p>x &lt;b&gt;paid&lt;/b&gt; &amp; more</p>"


def test_values_inside_an_html_argument_are_escaped() -> None:
    names = Names(inputs={"name": "<i>&", "page": "<b>ready</b>"})
    assert bind_html("<p>{{name}} {{page | raw}}</p>", names) == "<p>&lt;i&gt;&amp; <b>ready</b></p>"
    assert bind_html("{{page}}", names) == "<b>ready</b>"


def test_an_explicit_subject_wins(tenant: Tenant) -> None:
    add_text(tenant)
    assert sent(context(), template="news", subject="Mine").subject == "Mine"
    assert sent(context(), template="news").subject == "News"


def test_a_name_that_is_missing_is_named(tenant: Tenant) -> None:
    add_text(tenant, body="{{plan}}")
    error = refused(to="a@acme.example", template="news")
    assert error.permanent and "`plan`" in error.message and "context" in error.message
    assert mail.outbox == []


def test_a_line_break_in_a_filled_subject_is_refused(tenant: Tenant) -> None:
    add_text(tenant, subject="{{who}}")
    error = refused(to="a@acme.example", template="news", context={"who": "x\r\nBcc: evil@acme.example"})
    assert error.permanent and "subject may not hold line breaks" in error.message


def test_a_text_of_another_tenant_does_not_exist(tenant: Tenant) -> None:
    add_text(Tenant.objects.create(tenant_id="rival"), name="secret-plan")
    add_text(tenant)
    error = refused(to="a@acme.example", template="secret-plan")
    assert "'secret-plan' is no mail text of this tenant; it has" in error.message
    assert error.permanent and "news" in error.message and error.message.count("secret-plan") == 1


@pytest.mark.parametrize("text", MAIL_TEXTS, ids=lambda text: text["name"])
@pytest.mark.parametrize("inputs", [{}, {"email": "ann@acme.example", "first_name": "Ann"}])
def test_the_seeded_texts_fit_any_run(tenant: Tenant, text: dict[str, str], inputs: dict[str, str]) -> None:
    add_text(tenant, **text)
    message = sent(context(inputs=inputs), template=text["name"])
    whole = f"{message.subject} {message.body} {message.alternatives[0][0]!s}"
    assert not re.search(r"\{\{|\$\{|\}\}", whole)
    assert whole.count(f"Hi {inputs.get('first_name', 'there')},") == 2
    assert whole.count(inputs.get("email", "this address")) == 2


def test_welcome_and_followup_are_seeded() -> None:
    assert {text["name"] for text in MAIL_TEXTS} >= {"welcome", "followup"}


# Refusals -----------------------------------------------------------------------------------------------------------
MAIL = {"to": "a@acme.example", "subject": "s", "body": "b"}


@pytest.mark.parametrize(
    ("arguments", "named", "cure"),
    [
        ({"subject": "s", "body": "b"}, "to", "missing"),
        ({**MAIL, "to": []}, "to", "missing"),
        ({**MAIL, "to": "nobody"}, "to", "Ann <a@example.org>"),
        ({**MAIL, "to": "alice@acme.example)bob@evil.example"}, "to", "no mail address"),
        ({**MAIL, "to": "a@acme.example b@evil.example"}, "to", "no mail address"),
        ({**MAIL, "to": "a@acme.example\nBcc: evil@acme.example"}, "to", "line breaks"),
        ({**MAIL, "cc": ["a@@b"]}, "cc", "no mail address"),
        ({**MAIL, "bcc": {"a": 1}}, "bcc", "a text"),
        ({**MAIL, "from": "a@b.example\r\nX: y"}, "from", "line breaks"),
        ({**MAIL, "reply_to": "\x00@b.example"}, "reply_to", "control characters"),
        ({**MAIL, "subject": "Hi\r\nBcc: evil@acme.example"}, "subject", "line breaks"),
        ({**MAIL, "subject": "Hi\u2028Bcc: x"}, "subject", "line breaks"),
        ({"to": "a@acme.example", "body": "b"}, "subject", "missing"),
        ({"to": "a@acme.example", "subject": "s"}, "body", "template"),
        ({**MAIL, "template": "welcome"}, "template", "leave one out"),
        ({**MAIL, "copy": "x@y.example"}, "copy", "not an argument"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], named: str, cure: str) -> None:
    error = refused(**arguments)
    assert error.permanent
    assert error.message.startswith(f"tools.email.send: {named} ")
    assert cure in error.message
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("attachments", "named", "cure"),
    [
        ("x", "attachments", "list"),
        ([{"content": "x"}], "attachments[0]", "filename"),
        ([{"filename": "x"}], "attachments[0]", "content"),
        ([{"filename": "x\r\ny", "content": ""}], "attachments[0].filename", "line breaks"),
        ([{"filename": "x", "content_base64": "?"}], "attachments[0].content_base64", "base64"),
        (
            [{"filename": "x", "content": "", "content_type": "message/rfc822"}],
            "attachments[0].content_type",
            "text/csv",
        ),
        ([{"filename": "x", "content": "y" * 11_000_000}], "attachments", "10 MiB"),
    ],
)
def test_wrong_attachments_are_refused_by_name(attachments: Any, named: str, cure: str) -> None:
    error = refused(**MAIL, attachments=attachments)
    assert error.permanent
    assert error.message.startswith(f"tools.email.send: {named} ")
    assert cure in error.message


@pytest.mark.parametrize(
    ("command", "answer", "permanent"),
    [
        ("RCPT", "550 no such user", True),
        ("RCPT", "450 greylisted", False),
        ("DATA", "554 looks like spam", True),
        ("DATA", "451 try later", False),
    ],
)
def test_refusals_of_the_server_are_permanent_as_it_says(
    mailbox: Mailbox, command: str, answer: str, permanent: bool
) -> None:
    mailbox.answers[command] = answer
    error = refused(**MAIL)
    assert error.permanent is permanent
    assert answer in error.message


def test_no_server_is_retryable(settings: Settings, free_port: int) -> None:
    use(settings, free_port)
    assert not refused(**MAIL).permanent


def test_a_hung_server_meets_the_socket_timeout_and_cancel(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        use(settings, listener.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.3
        assert not refused(**MAIL).permanent


def test_cancel_hangs_up(settings: Settings) -> None:
    talking, given = threading.Event(), context()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        use(settings, listener.getsockname()[1])
        settings.EMAIL_TIMEOUT = 60
        in_thread(lambda: stall_after_greeting(listener, talking))
        errors: list[ToolError] = []
        thread = in_thread(lambda: errors.append(refused(given, **MAIL)))
        assert talking.wait(10)
        deadline = time.monotonic() + 10
        given.cancel()
        thread.join(deadline - time.monotonic())
    assert "cancelled" in errors[0].message


def stall_after_greeting(listener: socket.socket, talking: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 here\r\n")
        connection.recv(1000)
        connection.sendall(b"250 fine\r\n")
        connection.recv(1000)  # MAIL FROM, never answered
        talking.set()
        connection.recv(1)


def test_a_step_cancelled_before_it_starts_sends_nothing() -> None:
    given = context()
    given.cancel()
    assert "nothing was sent" in refused(given, **MAIL).message
    assert mail.outbox == []


# No mail server: a file, and a row in the Outbox ----------------------------------------------------------------------


def test_without_a_mail_server_the_tenant_sees_its_mail_in_the_outbox(tenant: Tenant, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    told = context(masked=lambda text: text.replace("hunter2", "******"))
    arguments = {
        "to": "ann@example.com",
        "bcc": ["bo@example.com"],
        "subject": "Key hunter2",
        "body": "It is hunter2.",
        "html": "<p>It is hunter2.</p>",
        "attachments": [{"filename": "a.txt", "content": "hunter2"}],
    }
    outputs = [call(SEND, told, **arguments) for _ in range(2)]  # a step may run twice

    [mail] = OutboxMail.objects.for_tenant(tenant)
    assert (mail.to, mail.subject, mail.status) == ("ann@example.com, bo@example.com", "Key ******", "filed")
    assert (mail.text, mail.html, mail.attachments) == ("It is ******.", "<p>It is ******.</p>", ["a.txt"])
    assert mail.message_id == outputs[0]["message_id"]
    files = list(Path(settings.EMAIL_FILE_PATH).iterdir())
    assert len(files) == 2
    assert all(mail.message_id in file.read_text() for file in files)


def test_with_a_mail_server_the_outbox_is_the_products_own(mailbox: Mailbox, tenant: Tenant) -> None:
    call(SEND, to="ann@example.com", subject="x", body="y")

    assert not OutboxMail.objects.all_tenants().exists()
