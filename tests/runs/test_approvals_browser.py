"""The inbox as an operator uses it in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from playwright.sync_api import expect

from runs_app.models import WorkflowRun
from tenants_app.models import Tenant
from tests.browser import BROWSER_TEST, signed_in
from tests.conftest import member
from tests.runs.approval_helpers import FORM, approval_of, asking, choosing

pytestmark = BROWSER_TEST


def test_an_operator_decides_from_the_inbox_the_page_and_the_run(
    run: Callable[..., WorkflowRun], drive: Callable[[], int], tenant: Tenant, live_server: Any
) -> None:
    deploy, refund = run(choosing()), run(asking(title="Refund order 88?", form_schema=FORM))
    others = [run(asking(title=f"Question {number}")) for number in range(2)]
    oscar = member("oscar", tenant, "operator")
    with signed_in(oscar, live_server) as page, ThreadPoolExecutor(1) as worker:
        page.goto("/admin/")
        page.get_by_role("link", name="approval Approvals 4").click()
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

    assert (approval_of(deploy).status, approval_of(refund).answers["amount"]) == ("approved", 12)
    assert {(approval_of(other).status, approval_of(other).comment) for other in others} == {("rejected", "Not now.")}
