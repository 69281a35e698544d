"""A tenant's mail texts in the admin: edited, previewed, mailed to oneself, and given back what they said at first."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs_app.models import EmailTemplate
from runs_app.tools.mail_rendering import Mail, sample_inputs
from tenants_app.actions import send_queued_mail
from tenants_app.models import OutboxMail, Tenant, User

TEXTS = "/admin/runs_app/emailtemplate/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def welcome(tenant: Tenant) -> EmailTemplate:
    return EmailTemplate.objects.for_tenant(tenant).get(name="welcome")


def own(tenant: Tenant, **texts: str) -> EmailTemplate:
    columns = {"name": "own", "subject": "Hi ${first_name}", "body": "Order ${order.id} is ${order.state}.", "html": ""}
    from highway_automation.base.clock import now

    return EmailTemplate.objects.for_tenant(tenant).create(**columns | texts, updated_at=now())


def test_a_preview_begins_with_samples(alice: User, tenant: Tenant, welcome: EmailTemplate) -> None:
    client = signed_in(alice)
    assert "Preview" in page(client.get(f"{TEXTS}{welcome.pk}/change/"))
    shown = client.post(f"{TEXTS}{welcome.pk}/do/preview/", follow=True)

    assert "Hi Ada," in page(shown)
    assert 'sandbox=""' in page(shown)
    text = own(tenant)
    told = page(client.get(f"{TEXTS}{text.pk}/preview/"))
    assert "Hi Ada" in told
    assert "Order id is state." in told


def test_samples_fill_whatever_a_text_refers_to() -> None:
    text = Mail("${a} ${input.b.c}", "{{ b.d }} ${a.x} ${list[0]} $${no}", '${z | default("y")}')

    assert sample_inputs(text) == {"a": "a", "b": {"c": "c", "d": "d"}, "list": {"0": "0"}, "z": "z"}


def test_other_inputs_are_shown_and_escaped(alice: User, tenant: Tenant) -> None:
    text = own(tenant, html="<p>Hi ${first_name}</p>")
    url = f"{TEXTS}{text.pk}/preview/"
    client = signed_in(alice)

    told = page(client.post(url, {"inputs": '{"first_name": "<b>Bo</b>", "order": {"id": 7, "state": "sent"}}'}))
    assert "Order 7 is sent." in told
    assert "Hi &amp;lt;b&amp;gt;Bo" in told  # escaped into the mail, and the mail into the frame
    missing = client.post(url, {"inputs": '{"first_name": "Bo"}'})
    assert missing.status_code == 200
    assert "order" in str(missing.context["form"].errors["inputs"])
    for bad in ("nonsense", "[1]", '{"a": NaN}', '{"a": "\\u0000"}'):
        assert client.post(url, {"inputs": bad}).context["form"].errors["inputs"], bad


def test_a_sample_is_mailed_to_oneself(alice: User, bob: User, tenant: Tenant, settings: Any, tmp_path: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    text = own(tenant, html="<p>Hi ${first_name}</p>")
    url, inputs = f"{TEXTS}{text.pk}/preview/", {"inputs": '{"first_name": "Bo", "order": {"id": 7, "state": "x"}}'}

    assert "on its way to alice@example.com" in page(signed_in(alice).post(url, inputs | {"send": ""}))
    assert signed_in(bob).post(url, inputs | {"send": ""}).status_code == 403  # a viewer looks only
    assert signed_in(bob).post(url, inputs).status_code == 200

    [mail] = OutboxMail.objects.for_tenant(tenant)
    assert (mail.to, mail.subject, mail.html) == ("alice@example.com", "[Sample] Hi Bo", "<p>Hi Bo</p>")
    assert send_queued_mail() == 1


def test_the_products_text_comes_back(alice: User, bob: User, tenant: Tenant, welcome: EmailTemplate) -> None:
    client, restore = signed_in(alice), f"{TEXTS}{welcome.pk}/do/restore/"
    before = (welcome.subject, welcome.body, welcome.html)
    edited = {"name": "welcome", "subject": "Yo", "body": "Yo ${first_name}", "html": ""}
    assert client.post(f"{TEXTS}{welcome.pk}/change/", edited).status_code == 302
    assert signed_in(bob).post(restore).status_code == 403

    client.post(restore)
    welcome.refresh_from_db()
    assert (welcome.subject, welcome.body, welcome.html) == before

    text = own(tenant)
    assert "Restore" not in page(client.get(f"{TEXTS}{text.pk}/change/"))
    assert "your own text" in page(client.post(f"{TEXTS}{text.pk}/do/restore/", follow=True))


def test_a_foreign_text_has_no_preview(mallory: User, welcome: EmailTemplate) -> None:
    client = signed_in(mallory)

    assert client.get(f"{TEXTS}{welcome.pk}/preview/").status_code == 404
    assert client.post(f"{TEXTS}{welcome.pk}/preview/", {"inputs": "{}", "send": ""}).status_code == 404
    assert client.get(f"{TEXTS}{10**30}/preview/").status_code == 404
    assert Client().get(f"{TEXTS}{welcome.pk}/preview/").status_code == 302


def test_a_name_that_is_taken_is_told(alice: User, tenant: Tenant, welcome: EmailTemplate) -> None:
    client, other = signed_in(alice), own(tenant)
    asked = {"name": "welcome", "subject": "Hi", "body": "Hi", "html": ""}

    for url in (f"{TEXTS}add/", f"{TEXTS}{other.pk}/change/"):
        refused = client.post(url, asked)
        assert refused.status_code == 200 and "There already is a mail text" in page(refused)
    assert EmailTemplate.objects.for_tenant(tenant).get(name="welcome").subject == welcome.subject
