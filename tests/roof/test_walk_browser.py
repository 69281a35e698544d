"""The main pages in Chromium: nothing is fetched from elsewhere, nothing fails, the overview keeps itself true."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import Page, expect, sync_playwright

from runs_app.models import WorkflowRun
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow
from tests.roof.walking import fill, signed_in

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]
LISTS = [
    "templates_app/workflowtemplate/",
    "schedules_app/scheduledworkflow/",
    "triggers_app/eventtrigger/",
    "runs_app/workflowrun/",
    "runs_app/approval/",
    "tenants_app/outboxmail/",
    "runs_app/worker/",
]


class Watched:
    """A browser page that notes what went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("console", self.note)
        page.route("**/*", self.only_this_host)

    def note(self, said: Any) -> None:
        """A mail's own script is stopped by the frame it is shown in, and the browser says so."""
        if said.type == "error" and not said.text.startswith("Blocked script execution in 'about:srcdoc'"):
            self.wrong.append(f"{self.page.url}: {said.text}")

    def only_this_host(self, route: Any) -> None:
        if urlsplit(route.request.url).hostname in ("localhost", "127.0.0.1"):
            route.continue_()
        else:
            self.wrong.append(f"{self.page.url} fetches {route.request.url}")
            route.abort()

    def wide(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(
            self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")
        )


def session(user: User, live_server: Any) -> Any:
    return {"name": "sessionid", "value": signed_in(user).cookies["sessionid"].value, "url": live_server.url}


@contextmanager
def browsing(live_server: Any) -> Iterator[Callable[..., Watched]]:
    """While Chromium runs, this thread may not use the database."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_page(cookie: Any, **how: Any) -> Watched:
            context = browser.new_context(base_url=live_server.url, **how)
            context.add_cookies([cookie])
            return Watched(context.new_page())

        yield open_page
        browser.close()


def test_the_main_pages_need_nothing_from_elsewhere_and_fit_a_phone(
    tenant: Tenant, alice: User, bob: User, drive: Callable[[], int], live_server: Any
) -> None:
    fill(tenant, alice, drive, range(2))
    admin, viewer = session(alice, live_server), session(bob, live_server)
    scrolled = []
    with browsing(live_server) as open_page:
        large = open_page(admin, color_scheme="dark")
        small = open_page(viewer, viewport={"width": 390, "height": 844})
        for watched in (large, small):
            for name in ("", *LISTS):
                watched.page.goto(f"/admin/{name}")
                scrolled += [watched.page.url] if watched.wide() else []
                first = watched.page.locator("#result_list tbody th a").first
                if first.count():
                    watched.page.goto(str(first.get_attribute("href")))
                    expect(watched.page.locator("#content")).to_be_visible()
                    scrolled += [watched.page.url] if watched.wide() else []

    assert large.wrong + small.wrong == []
    assert scrolled == []


def test_the_overview_changes_without_being_loaded_again(
    start: Callable[..., WorkflowRun], bob: User, live_server: Any
) -> None:
    cookie = session(bob, live_server)
    with browsing(live_server) as open_page, ThreadPoolExecutor(1) as other:
        watched = open_page(cookie)
        watched.page.goto("/admin/")
        queue = watched.page.locator(".hw-o-tile", has_text="Queue").locator("strong")
        expect(queue).to_have_text("0")
        expect(watched.page.get_by_text("Nothing is automated here yet")).to_be_visible()
        watched.page.evaluate("window.unloaded = true")
        other.submit(start, workflow(shell("greet", "echo"))).result(timeout=30)
        expect(queue).to_have_text("1", timeout=20_000)
        other.submit(connections.close_all).result(timeout=30)
        assert watched.page.evaluate("window.unloaded")

    assert watched.wrong == []
