"""Invitations and lost passwords, from the form to the mail to the first sign-in."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.actions import create_user, invite, send_queued_mail
from tenants_app.models import Membership, OutboxMail, Tenant, User
from tests.tenants.conftest import KeyClient, SignIn
from tests.tenants.mailbox import Mailbox
from tests.tenants.pages import MEMBERS, OUTBOX, USERS, switch, text

LOST = "/admin/lost-password/"
NEW = "a quite new password 7"


def choose(client: Client, path: str, password: str = NEW) -> Any:
    """Follow a one-time link and send the form behind it."""
    page = client.get(path, follow=True)
    assert page.status_code == 200
    return client.post(page.request["PATH_INFO"], {"new_password1": password, "new_password2": password}, follow=True)


def sign_in_as(name: str, password: str = NEW) -> bool:
    client = Client()
    client.post("/admin/login/", {"username": name, "password": password, "next": "/admin/"})
    return client.get("/admin/").status_code == 200


def test_an_invited_person_chooses_a_password_and_signs_in(
    mailbox: Mailbox, alice: User, tenant: Tenant, sign_in: SignIn
) -> None:
    asked = {"email": "ada@example.com", "role": "editor", "first_name": "Ada", "last_name": "L"}
    assert sign_in(alice).post(f"{MEMBERS}add/", asked).status_code == 302
    assert mailbox.messages == []  # nothing is sent from a view
    send_queued_mail()

    assert mailbox.messages[0]["To"] == "ada@example.com"
    assert "alice@example.com invited you to Acme on Highway Automation, as editor" in mailbox.text()
    done = choose(Client(), mailbox.link())
    assert "Your password is set. Sign in as ada@example.com." in text(done)
    assert sign_in_as("ada@example.com")

    again = Client().get(mailbox.link(), follow=True)
    assert "This link is used up" in text(again)


def test_a_weak_password_is_told_and_the_link_stays_good(mailbox: Mailbox, tenant: Tenant) -> None:
    invite(email="ada@example.com", tenant=tenant)
    send_queued_mail()
    client = Client()

    assert "too common" in text(choose(client, mailbox.link(), "password"))
    assert "Your password is set" in text(choose(Client(), mailbox.link()))


def test_who_is_known_gets_a_place_and_no_second_way_in(mailbox: Mailbox, mallory: User, tenant: Tenant) -> None:
    invite(email="mallory@example.com", tenant=tenant, role="operator")
    invite(email="ada@example.com", tenant=tenant, role="operator")
    send_queued_mail()

    to_mallory, to_ada = OutboxMail.objects.for_tenant(tenant).order_by("pk")
    assert mailbox.link(0) == "/admin/login/"
    assert mailbox.link(1).startswith("/admin/password/")
    assert (to_mallory.text, to_mallory.html) == (to_ada.text, to_ada.html)  # the row does not tell them apart


def test_an_invitation_is_sent_again_until_it_is_taken(
    mailbox: Mailbox, alice: User, tenant: Tenant, sign_in: SignIn, move_clock: Any
) -> None:
    place = invite(email="ada@example.com", tenant=tenant)
    client, again = sign_in(alice), f"{MEMBERS}{place.pk}/do/resend/"
    assert again in text(client.get(f"{MEMBERS}{place.pk}/change/"))

    assert "less than five minutes ago" in text(client.post(again, follow=True))
    move_clock(minutes=6)
    assert "is mailed a new link" in text(client.post(again, follow=True))
    send_queued_mail()
    assert len(mailbox.messages) == 2

    choose(Client(), mailbox.link())
    move_clock(minutes=6)
    assert again not in text(client.get(f"{MEMBERS}{place.pk}/change/"))
    assert "has a password already" in text(client.post(again, follow=True))


@pytest.mark.parametrize(("role", "code"), [("viewer", 403), ("operator", 403), ("editor", 403), ("admin", 201)])
def test_invitations_over_the_api(tenant: Tenant, key_client: KeyClient, role: str, code: int) -> None:
    answer = key_client(tenant, role).post(
        "/api/v1/admin/invitations", {"email": "ada@example.com", "role": "editor", "first_name": "Ada"}, format="json"
    )

    assert answer.status_code == code
    assert Membership.objects.for_tenant(tenant).filter(user__email="ada@example.com").exists() == (code == 201)
    assert OutboxMail.objects.for_tenant(tenant).count() == (1 if code == 201 else 0)


def test_inviting_over_the_api_again_sends_again(api: APIClient, tenant: Tenant, move_clock: Any) -> None:
    body = {"email": "ada@example.com"}
    codes = [api.post("/api/v1/admin/invitations", body, format="json").status_code for _ in range(2)]
    move_clock(minutes=6)
    codes.append(api.post("/api/v1/admin/invitations", body, format="json").status_code)
    create_user(email="bo@example.com", tenant=tenant, password=NEW)
    codes.append(api.post("/api/v1/admin/invitations", {"email": "bo@example.com"}, format="json").status_code)
    codes.append(api.post("/api/v1/admin/invitations", {"email": "nonsense"}, format="json").status_code)
    codes.append(api.post("/api/v1/admin/invitations", {"mail": "x@y.example"}, format="json").status_code)

    assert codes == [201, 409, 200, 409, 422, 422]


def test_the_create_user_command_mails_unless_it_sets_a_password(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("create_user", "ada@example.com", tenant="acme", stdout=StringIO())
    monkeypatch.setenv("HIGHWAY_USER_PASSWORD", NEW)
    call_command("create_user", "bo@example.com", tenant="acme", stdout=StringIO())

    assert [mail.to for mail in OutboxMail.objects.for_tenant(tenant)] == ["ada@example.com"]


# Lost passwords -------------------------------------------------------------------------------------------------------


def test_a_lost_password_is_chosen_anew(mailbox: Mailbox, bob: User) -> None:
    client = Client()
    assert LOST in text(client.get("/admin/login/"))
    answer = client.post(LOST, {"email": "BOB@example.com"}, follow=True)
    assert "is on its way" in text(answer)
    send_queued_mail()

    assert mailbox.messages[0]["To"] == "bob@example.com"
    assert "password for bob on Highway" in mailbox.text()
    old = mailbox.link()
    assert "Your password is set. Sign in as bob." in text(choose(client, old))
    assert sign_in_as("bob")
    assert "used up" in text(Client().get(old, follow=True))


def test_it_never_tells_whether_an_address_is_known(bob: User) -> None:
    User.objects.create_user("gone", "gone@example.com", is_active=False)
    pages = [
        text(Client().post(LOST, {"email": email}, follow=True))
        for email in ("bob@example.com", "gone@example.com", "nobody@example.com")
    ]

    assert "is on its way" in pages[0]
    assert len({page.replace(csrf_of(page), "") for page in pages}) == 1
    assert [mail.to for mail in OutboxMail.objects.all_tenants()] == ["bob@example.com"]


def csrf_of(page: str) -> str:
    return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


def test_nobodys_mailbox_is_filled(bob: User, move_clock: Any) -> None:
    for _ in range(3):
        Client().post(LOST, {"email": bob.email})
    assert OutboxMail.objects.all_tenants().count() == 1
    for _ in range(15):
        move_clock(minutes=6)
        Client().post(LOST, {"email": bob.email})

    assert OutboxMail.objects.all_tenants().count() == 10


def test_who_asks_too_often_is_told_to_wait(db: None) -> None:
    client = Client()
    answers = [client.post(LOST, {"email": f"u{number}@example.com"}) for number in range(22)]

    assert [answer.status_code for answer in answers[:10]] == [302] * 10  # an hour may end in between
    assert {answer.status_code for answer in answers} <= {302, 429}
    assert Client(REMOTE_ADDR="192.0.2.9").post(LOST, {"email": "x@example.com"}).status_code == 302


@pytest.mark.parametrize("email", ["", "nonsense", "a\x00b@example.com", "x" * 300 + "@example.com"])
def test_a_strange_address_is_refused_by_the_form(db: None, email: str) -> None:
    assert Client().post(LOST, {"email": email}).status_code == 200


@pytest.mark.parametrize("path", ["MQ/x-y", "!!/set-password", "MQ/\x00", "OTk5/c0-ffee"])
def test_a_link_that_is_none_opens_nothing(bob: User, path: str) -> None:
    assert "used up" in text(Client().get(f"/admin/password/{path}/", follow=True))


def test_the_link_does_not_follow_the_host_header(mailbox: Mailbox, bob: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    Client(headers={"host": "evil.example"}).post(LOST, {"email": bob.email})
    send_queued_mail()

    assert "evil" not in mailbox.text()
    assert settings.HIGHWAY_BASE_URL in mailbox.text()


def test_the_command_prints_a_link_that_works(bob: User) -> None:
    for name in ("bob", "BOB@example.com"):
        out = StringIO()
        call_command("reset_password", name, stdout=out)
        assert out.getvalue().startswith("http://127.0.0.1:")
    path = out.getvalue().strip().split("/", 3)[3]

    assert "Your password is set" in text(choose(Client(), f"/{path}"))
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("reset_password", "nobody")


# The Outbox in the admin ----------------------------------------------------------------------------------------------


def test_a_tenants_people_see_their_own_mail_without_links(
    mailbox: Mailbox, alice: User, bob: User, mallory: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn
) -> None:
    invite(email="ada@example.com", tenant=tenant)
    invite(email="eve@example.com", tenant=other_tenant)
    Client().post(LOST, {"email": alice.email})
    send_queued_mail()
    mine, theirs = (OutboxMail.objects.for_tenant(place).get() for place in ("acme", "globex"))
    account = OutboxMail.objects.all_tenants().get(tenant=None)

    for user in (alice, bob):
        client = sign_in(user)
        listed = text(client.get(OUTBOX))
        assert "ada@example.com" in listed
        assert "eve@example.com" not in listed
        assert "new password" not in listed
        page = text(client.get(f"{OUTBOX}{mine.pk}/change/"))
        assert "{one-time link}" in page
        assert "/admin/password/" not in page
        for foreign in (theirs, account):
            assert client.get(f"{OUTBOX}{foreign.pk}/change/").status_code == 404
            assert client.post(f"{OUTBOX}{foreign.pk}/do/retry/").status_code == 404
    assert client.post(f"{OUTBOX}{mine.pk}/do/retry/").status_code == 403  # bob is a viewer


def test_a_superuser_sees_all_mail_but_no_links(
    mailbox: Mailbox, superuser: User, bob: User, tenant: Tenant, sign_in: SignIn
) -> None:
    Client().post(LOST, {"email": bob.email})
    send_queued_mail()
    client = sign_in(superuser)
    switch(client, "*")
    row = OutboxMail.objects.all_tenants().get()

    assert "bob@example.com" in text(client.get(OUTBOX))
    assert mailbox.link() not in text(client.get(f"{OUTBOX}{row.pk}/change/"))


def test_the_banner_stands_while_no_mail_server_is_set(
    alice: User, tenant: Tenant, sign_in: SignIn, settings: Any
) -> None:
    client = sign_in(alice)
    assert "No mail server is set" not in text(client.get(OUTBOX))
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert "No mail server is set" in text(client.get(OUTBOX))

    place = invite(email="ada@example.com", tenant=tenant)
    send_queued_mail()
    mail = OutboxMail.objects.for_tenant(tenant).get()
    assert "Written to a file" in text(client.get(OUTBOX))
    client.post(f"{OUTBOX}{mail.pk}/do/retry/")
    mail.refresh_from_db()
    assert (mail.status, place.user.email) == ("queued", mail.to)


def test_a_mail_cannot_act_on_the_page_that_shows_it(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    from tenants_app.actions import record_mail

    hostile = '<script>alert(1)</script>"><img src="https://evil.example/x">'
    mail = record_mail("acme", message_id="<x@y>", to="a@example.com", subject=hostile, text=hostile, html=hostile)
    page = text(sign_in(alice).get(f"{OUTBOX}{mail.pk}/change/"))

    assert "<script>alert(1)" not in page
    assert 'sandbox=""' in page
    assert "default-src &#x27;none&#x27;" in page


def test_adding_a_member_twice_mails_once(alice: User, bob: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    assert client.post(f"{USERS}add/", {"email": bob.email, "tenant": "acme", "role": "viewer"}).status_code == 200

    assert not OutboxMail.objects.all_tenants().exists()


def test_an_inviter_s_name_carries_no_link(mailbox: Mailbox, alice: User, tenant: Tenant) -> None:
    """A name such as `evil.example/?{one-time link}` would send whoever clicks it there, their own link included."""
    alice.first_name, alice.last_name = "https://evil.example/?u={user name}&l={one-time link}", "{one-time link}"
    invite(email="ada@example.com", tenant=tenant, actor=alice)
    send_queued_mail()

    assert mailbox.text().count("/admin/password/") == 1
    assert "u=ada" not in mailbox.text() and "evil.example" in mailbox.text()
