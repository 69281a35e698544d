"""The live test of a trigger's form, driven in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from tenants_app.models import Tenant, User
from triggers_app.actions import emit_event
from triggers_app.models import Event

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def order(tenant: Tenant) -> Event:
    return emit_event(tenant, "order_placed", {"shop": "eu-1"}, subject="order 42")


@pytest.fixture
def page(alice: User, order: Event, live_server: Any) -> Iterator[Page]:
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


def test_a_filter_is_tested_while_it_is_typed(page: Page) -> None:
    page.goto("/admin/triggers_app/eventtrigger/add/")
    result = page.locator("[data-trial-result]")

    page.get_by_label("Event type").fill("order_*")
    expect(result).to_contain_text("This event matches.")
    page.get_by_label("Filter expression").fill('{"shop": "us-*"}')
    expect(result).to_contain_text("This event does not match.")
    expect(result).to_contain_text("eu-1")
    page.get_by_label("Filter expression").fill('{"shop": "eu-*"}')
    expect(result).to_contain_text("This event matches.")
    page.get_by_label("Filter expression").fill('{"shop": ')
    expect(result).to_contain_text("Not JSON")
