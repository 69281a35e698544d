"""A run's page followed in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from runs_app.models import WorkflowRun
from tenants_app.models import User
from tests.conftest import shell, workflow

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


def test_a_run_goes_on_without_reloading_its_page(
    start: Callable[..., WorkflowRun], drive: Callable[[], int], alice: User, live_server: Any
) -> None:
    run = start(workflow(shell("greet", "echo")))
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as driver, ThreadPoolExecutor(1) as worker:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([session])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(f"/admin/runs_app/workflowrun/{run.pk}/change/")
        expect(page.locator(".hw-head .hw-badge")).to_have_text("pending")
        worker.submit(drive).result(timeout=60)
        expect(page.locator(".hw-head .hw-badge")).to_have_text("completed")
        expect(page.locator(".hw-step")).to_contain_text("greet")
        expect(page.get_by_role("button", name="Cancel")).to_be_disabled()
        worker.submit(connections.close_all).result(timeout=60)
        browser.close()
