"""The live test of a trigger's form, driven in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tenants_app.models import Tenant, User
from tests.browser import BROWSER_TEST, signed_in
from triggers_app.actions import emit_event
from triggers_app.models import Event

pytestmark = BROWSER_TEST


@pytest.fixture
def order(tenant: Tenant) -> Event:
    return emit_event(tenant, "order_placed", {"shop": "eu-1"}, subject="order 42")


@pytest.fixture
def page(alice: User, order: Event, live_server: Any) -> Iterator[Page]:
    with signed_in(alice, live_server) as page:
        yield page


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
