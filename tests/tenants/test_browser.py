"""A hostile mail on a page of the Outbox, looked at in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from tenants_app.actions import record_mail
from tenants_app.models import OutboxMail, Tenant, User
from tests.tenants.pages import OUTBOX

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]
HOSTILE = """<!doctype html><html><body><h1>Look at this</h1>
<script>top.document.title = "taken"; fetch("/stolen")</script>
<img src="/stolen.png" onerror="top.document.title = 'taken'"><link rel="stylesheet" href="/stolen.css">
<form id="f" action="/stolen-form" method="post" target="_top"><button id="b">Press</button></form></body></html>"""


@pytest.fixture
def mail(tenant: Tenant) -> OutboxMail:
    return record_mail("acme", message_id="<x@y>", to="a@example.com", subject="Hi", text="Hi", html=HOSTILE)


@pytest.fixture
def page(alice: User, mail: OutboxMail, live_server: Any) -> Iterator[Page]:
    """A page of alice's browser; its driver runs an event loop in this thread, so nobody may ask the database now."""
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([session])  # type: ignore[list-item]
        yield context.new_page()
        browser.close()


def test_a_hostile_mail_is_shown_and_does_nothing(page: Page, mail: OutboxMail) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{OUTBOX}{mail.pk}/change/")
    frame = page.frame_locator("iframe.hw-mail")

    expect(frame.get_by_role("heading", name="Look at this")).to_be_visible()
    frame.locator("#b").click()
    page.wait_for_load_state("networkidle")

    assert [url for url in asked if "stolen" in url] == []
    assert page.title() != "taken"
    assert page.url.endswith(f"{OUTBOX}{mail.pk}/change/")
