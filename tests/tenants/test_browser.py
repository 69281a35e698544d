"""A hostile mail on a page of the Outbox, looked at in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tenants_app.actions import record_mail
from tenants_app.models import OutboxMail, Tenant, User
from tests.browser import BROWSER_TEST, signed_in
from tests.tenants.pages import OUTBOX

pytestmark = BROWSER_TEST
HOSTILE = """<!doctype html><html><body><h1>Look at this</h1>
<script>top.document.title = "taken"; fetch("/stolen")</script>
<img src="/stolen.png" onerror="top.document.title = 'taken'"><link rel="stylesheet" href="/stolen.css">
<form id="f" action="/stolen-form" method="post" target="_top"><button id="b">Press</button></form></body></html>"""


@pytest.fixture
def mail(tenant: Tenant) -> OutboxMail:
    return record_mail("acme", message_id="<x@y>", to="a@example.com", subject="Hi", text="Hi", html=HOSTILE)


@pytest.fixture
def page(alice: User, mail: OutboxMail, live_server: Any) -> Iterator[Page]:
    with signed_in(alice, live_server) as page:
        yield page


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
