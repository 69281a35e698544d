"""A run's page followed in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from playwright.sync_api import expect

from runs_app.models import WorkflowRun
from tenants_app.models import User
from tests.browser import BROWSER_TEST, signed_in
from tests.conftest import shell, workflow

pytestmark = BROWSER_TEST


def test_a_run_goes_on_without_reloading_its_page(
    start: Callable[..., WorkflowRun], drive: Callable[[], int], alice: User, live_server: Any
) -> None:
    run = start(workflow(shell("greet", "echo")))
    with signed_in(alice, live_server) as page, ThreadPoolExecutor(1) as worker:
        page.goto(f"/admin/runs_app/workflowrun/{run.pk}/change/")
        expect(page.locator(".hw-head .hw-badge")).to_have_text("pending")
        worker.submit(drive).result(timeout=60)
        expect(page.locator(".hw-head .hw-badge")).to_have_text("completed")
        expect(page.locator(".hw-step")).to_contain_text("greet")
        expect(page.get_by_role("button", name="Run again")).to_be_visible()
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        worker.submit(connections.close_all).result(timeout=60)
