"""Product mail: queued with its cause, sent once after commit by a real SMTP server, tried again, never two at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from highway_automation.base import queue
from highway_automation.base.clock import lease_now, now
from highway_automation.base.errors import Conflict, Invalid
from highway_automation.base.retention import KINDS
from tenants_app import tasks
from tenants_app.actions import (
    forget_account_mail,
    queue_mail,
    record_mail,
    retry_mail,
    send_queued_mail,
    sweep_mail,
    update_user,
)
from tenants_app.actions.delivery import claim_mail, deliver
from tenants_app.links import PLACE
from tenants_app.models import OutboxMail, Tenant, User
from tests.tenants.mailbox import Mailbox
from tests.together import at_once


@pytest.fixture
def files(settings: Any) -> Path:
    """No mail server is set."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    return Path(settings.EMAIL_FILE_PATH)


def rows() -> list[OutboxMail]:
    return list(OutboxMail.objects.all_tenants().order_by("pk"))


def only() -> OutboxMail:
    [row] = rows()
    return row


def test_a_mail_is_sent_once(mailbox: Mailbox, tenant: Tenant) -> None:
    queue_mail(tenant, ["ann@example.com", "bo@example.com"], "Nightly\nreport", "It failed.", "<p>It failed.</p>")

    assert (send_queued_mail(), send_queued_mail()) == (1, 0)

    [message] = mailbox.messages
    row = only()
    assert (message["Subject"], message["To"]) == ("Nightly report", "ann@example.com, bo@example.com")
    assert message["From"] == "Highway <highway@acme.example>"
    assert message["Message-ID"] == row.message_id
    assert [part.get_content().strip() for part in message.iter_parts()] == ["It failed.", "<p>It failed.</p>"]
    assert (row.status, row.attempts, row.last_error, row.tenant_id) == ("sent", 1, "", "acme")
    assert row.sent_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_mail_goes_with_its_transaction(mailbox: Mailbox) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue_mail(None, "ann@example.com", "Never", "x")
        raise RuntimeError

    assert send_queued_mail() == 0
    assert rows() == []


def test_the_doorbell_names_a_task_of_the_control_queue(settings: Any) -> None:
    assert tasks.send_queued_mail.name == queue.SEND_MAIL
    assert queue.queue_of(queue.SEND_MAIL) == settings.HIGHWAY_CONTROL_QUEUE


def test_what_the_server_cannot_take_now_is_tried_again(
    mailbox: Mailbox, tenant: Tenant, move_clock: Callable[..., None]
) -> None:
    mailbox.answer = "451 come back later"
    queue_mail(tenant, "ann@example.com", "Hello", "x")

    assert send_queued_mail() == 0
    row = only()
    assert (row.status, row.attempts) == ("queued", 1)
    assert "come back later" in row.last_error
    assert timedelta(seconds=5) < row.due_at - now() <= timedelta(seconds=10)
    assert send_queued_mail() == 0  # not before its time

    mailbox.answer = "250 OK"
    move_clock(seconds=11)
    assert send_queued_mail() == 1
    assert (only().status, only().attempts, only().last_error) == ("sent", 2, "")


def test_what_the_server_refuses_fails_and_is_sent_again_by_hand(mailbox: Mailbox, tenant: Tenant) -> None:
    mailbox.answer = "554 no such luck"
    mail = queue_mail(tenant, "ann@example.com", "Hello", "x")
    send_queued_mail()
    assert only().status == "failed"
    assert "554 no such luck" in only().last_error

    mailbox.answer = "250 OK"
    retry_mail(mail)
    with pytest.raises(Conflict):
        retry_mail(mail)
    assert send_queued_mail() == 1
    with pytest.raises(Conflict):
        retry_mail(mail)
    assert len(mailbox.messages) == 1


def test_a_mail_gives_up_after_about_a_day(mailbox: Mailbox, tenant: Tenant, move_clock: Callable[..., None]) -> None:
    mailbox.answer = "451 come back later"
    queue_mail(tenant, "ann@example.com", "Hello", "x")
    began = now()

    while only().status == "queued":
        send_queued_mail()
        move_clock(hours=2, seconds=1)

    assert only().status == "failed"
    assert timedelta(hours=20) < now() - began < timedelta(hours=40)


def test_one_bad_mail_does_not_hold_up_the_others(mailbox: Mailbox, tenant: Tenant) -> None:
    bad = queue_mail(tenant, "ann@example.com", "Hello", f"Go to {PLACE}")  # whose link is unknown
    queue_mail(tenant, "bo@example.com", "Hello", "x")

    assert send_queued_mail() == 1

    bad.refresh_from_db()
    assert (bad.status, bad.last_error[:11]) == ("failed", "The account")
    assert [message["To"] for message in mailbox.messages] == ["bo@example.com"]


@pytest.mark.django_db(transaction=True)
def test_several_workers_never_have_the_same_mail(mailbox: Mailbox) -> None:
    for number in range(12):
        queue_mail(None, f"u{number}@example.com", "Hello", "x")

    at_once(*[send_queued_mail] * 4)

    assert sorted(message["To"] for message in mailbox.messages) == sorted(f"u{n}@example.com" for n in range(12))
    assert {row.status for row in rows()} == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_server_talks(mailbox: Mailbox) -> None:
    """Somebody else writes, and reads the row, while the mail server takes its time."""
    queue_mail(None, "ann@example.com", "Hello", "x")
    mailbox.hold.clear()

    def work() -> None:
        send_queued_mail()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert mailbox.arrived.wait(20)
    queue_mail(None, "bo@example.com", "Written meanwhile", "x")
    claimed = OutboxMail.objects.all_tenants().get(subject="Hello")
    assert claimed.lease_until is not None
    mailbox.hold.set()
    thread.join(20)

    assert claimed.lease_until > lease_now()
    assert len(mailbox.messages) == 2


def test_a_mail_whose_worker_died_is_taken_up_after_its_lease(mailbox: Mailbox, tenant: Tenant) -> None:
    queue_mail(tenant, "ann@example.com", "Hello", "x")
    dead = claim_mail()
    assert dead is not None
    assert send_queued_mail() == 0
    OutboxMail.objects.all_tenants().update(lease_until=lease_now() - timedelta(seconds=1))

    assert send_queued_mail() == 1
    mailbox.answer = "554 no"
    deliver(dead)  # it was only slow; what it says now changes nothing

    assert (only().status, only().attempts) == ("sent", 2)


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_was_sent_while_the_database_went_away_is_not_sent_again(tenant: Tenant, mailbox: Mailbox) -> None:
    mail = queue_mail(tenant, "ann@example.com", "Hello", "x")
    claimed = claim_mail()
    assert claimed is not None
    left = [OperationalError("the server closed the connection")] * 2

    def away(execute: Any, *query: Any) -> Any:
        if left and "UPDATE" in query[0]:
            raise left.pop()
        return execute(*query)

    with connection.execute_wrapper(away):
        assert deliver(claimed)
    assert (only().pk, only().status, only().attempts) == (mail.pk, "sent", 1)


def test_the_sweep_rings_for_what_is_due(
    tenant: Tenant, django_capture_on_commit_callbacks: Any, move_clock: Callable[..., None]
) -> None:
    def rung() -> bool:
        connection.run_on_commit = []  # a doorbell that hangs already is not hung twice
        with django_capture_on_commit_callbacks() as callbacks:
            sweep_mail()
        return any(getattr(call, "task", "") == queue.SEND_MAIL for call in callbacks)

    assert not rung()
    mail = queue_mail(tenant, "ann@example.com", "Hello", "x")
    assert rung()
    claim_mail()
    assert not rung()
    OutboxMail.objects.all_tenants().filter(pk=mail.pk).update(lease_until=None, due_at=now() + timedelta(hours=1))
    assert not rung()
    move_clock(hours=2)
    assert rung()


def test_without_a_mail_server_it_is_a_file(files: Path, tenant: Tenant) -> None:
    mail = queue_mail(tenant, "ann@example.com", "Hello", "It is here.")

    assert send_queued_mail() == 1

    [file] = files.iterdir()
    assert "It is here." in file.read_text()
    assert only().status == "filed"
    retry_mail(mail)
    assert only().status == "queued"


@pytest.mark.parametrize("to", ["", "nobody", "a@b.example, c@d.example\nBcc: x@y.example", []])
def test_an_address_that_is_none_is_refused(tenant: Tenant, to: Any) -> None:
    with pytest.raises(Invalid):
        queue_mail(tenant, to, "Hello", "x")

    assert rows() == []


def test_a_one_time_link_is_in_the_mail_and_nowhere_else(mailbox: Mailbox, alice: User, settings: Any) -> None:
    settings.HIGHWAY_BASE_URL = "https://highway.example"
    queue_mail(None, alice.email, "Password", f"Go to {PLACE} now.", f'<a href="{PLACE}">x</a>', account=alice)
    send_queued_mail()

    text, html = [part.get_content() for part in mailbox.messages[0].iter_parts()]
    assert "Go to https://highway.example/" in text
    assert 'href="https://highway.example/' in html
    stored = " ".join(str(value) for value in OutboxMail.objects.all_tenants().values()[0].values())
    assert "https://highway.example/" not in stored


def test_a_link_goes_to_no_former_address(mailbox: Mailbox, alice: User) -> None:
    mail = queue_mail(None, alice.email, "Password", f"Go to {PLACE} now.", account=alice)
    alice.email = "alice@elsewhere.example"
    update_user(alice)

    assert send_queued_mail() == 0
    mail.refresh_from_db()
    assert (mail.status, mail.last_error) == ("failed", "The account this mail is about has another e-mail now.")


def test_hostile_texts_can_be_stored_and_sent(mailbox: Mailbox, tenant: Tenant) -> None:
    queue_mail(tenant, "ann@example.com", "a\x00\r\nBcc: x@y.example\u2028b", "NUL \x00 and \ud800")

    assert send_queued_mail() == 1
    assert mailbox.messages[0]["Bcc"] is None


def test_mails_are_purged_but_for_those_that_wait(mailbox: Mailbox, tenant: Tenant, other_tenant: Tenant) -> None:
    purge = KINDS["mails"]
    for place in (tenant, other_tenant):
        queue_mail(place, "ann@example.com", "Hello", "x")
    send_queued_mail()
    queue_mail(tenant, "ann@example.com", "Waiting", "x")
    later = now() + timedelta(seconds=1)

    assert purge("acme", later - timedelta(days=1), dry_run=False) == 0
    assert purge("acme", later, dry_run=True) == 1
    assert purge("acme", later, dry_run=False) == 1
    assert [(row.tenant_id, row.subject) for row in rows()] == [("globex", "Hello"), ("acme", "Waiting")]


def test_mail_about_accounts_goes_after_the_days_of_history(
    mailbox: Mailbox, alice: User, move_clock: Callable[..., None], settings: Any
) -> None:
    queue_mail(None, alice.email, "Password", "x")
    send_queued_mail()
    move_clock(days=settings.HIGHWAY_RETENTION_HISTORY_DAYS - 1)
    assert forget_account_mail() == 0
    move_clock(days=2)
    settings.HIGHWAY_RETENTION_HISTORY_DAYS, days = 0, settings.HIGHWAY_RETENTION_HISTORY_DAYS
    assert forget_account_mail() == 0
    settings.HIGHWAY_RETENTION_HISTORY_DAYS = days
    assert forget_account_mail() == 1


def test_a_step_that_ran_twice_has_one_record(tenant: Tenant, other_tenant: Tenant) -> None:
    columns = {"message_id": "<x@y>", "to": "ann@example.com", "subject": "Hi", "text": "one"}
    record_mail("acme", **columns)
    record_mail("acme", **columns | {"text": "two"})
    record_mail("globex", **columns)

    assert [(row.tenant_id, row.text, row.status) for row in rows()] == [
        ("acme", "two", "filed"),
        ("globex", "one", "filed"),
    ]
    with pytest.raises(Conflict, match="run"):
        retry_mail(rows()[0])
