"""A person's Chromium in front of the test's own server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from tenants_app.models import User

CHROMIUM = shutil.which("chromium")
BROWSER_TEST = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def signed_in(user: User, live_server: Any) -> Iterator[Page]:
    """A page of the user's browser. Its driver runs an event loop in this thread: nobody here may ask the database."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([session])  # type: ignore[list-item]
        yield context.new_page()
        browser.close()
