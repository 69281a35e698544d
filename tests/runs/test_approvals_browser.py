"""The inbox as an operator uses it in Chromium."""

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
from tenants_app.models import Tenant
from tests.conftest import member
from tests.runs.approval_helpers import FORM, approval_of, asking, choosing

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


def test_an_operator_decides_from_the_inbox_the_page_and_the_run(
    run: Callable[..., WorkflowRun], drive: Callable[[], int], tenant: Tenant, live_server: Any
) -> None:
    deploy, refund = run(choosing()), run(asking(title="Refund order 88?", form_schema=FORM))
    others = [run(asking(title=f"Question {number}")) for number in range(2)]
    client = Client()
    client.force_login(member("oscar", tenant, "operator"), backend="django.contrib.auth.backends.ModelBackend")
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as driver, ThreadPoolExecutor(1) as worker:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([session])  # type: ignore[list-item]
        page = context.new_page()

        page.goto("/admin/")
        page.get_by_role("link", name="Approvals 4").click()
        page.get_by_role("link", name="Refund order 88?").click()
        page.get_by_label("Amount").fill("0")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("alert")).to_contain_text("less than the minimum")
        page.get_by_label("Amount").fill("12")
        page.get_by_label("Comment").fill("Fair.")
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#content")).to_contain_text("oscar@example.com")

        page.get_by_role("link", name="All approvals").click()
        for number in range(2):
            page.get_by_role("row", name=f"Question {number}").get_by_role("checkbox").check()
        page.locator("select[name=action]").select_option(label="Reject…")
        page.get_by_role("button", name="Run").click()
        page.get_by_label("Comment").fill("Not now.")
        page.get_by_role("button", name="Reject").click()
        expect(page.get_by_text("2 rejected.")).to_be_visible()

        page.get_by_role("row", name="Deploy to production?").get_by_role("link", name="release").click()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("“Deploy to production?”: approved.")).to_be_visible()
        worker.submit(drive).result(timeout=60)
        expect(page.locator(".hw-head .hw-badge")).to_have_text("completed")
        worker.submit(connections.close_all).result(timeout=60)
        browser.close()

    assert (approval_of(deploy).status, approval_of(refund).answers["amount"]) == ("approved", 12)
    assert {(approval_of(other).status, approval_of(other).comment) for other in others} == {("rejected", "Not now.")}
