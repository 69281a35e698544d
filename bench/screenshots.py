"""The pictures of docs/images, taken of the demo: a shop after a day of work.

Usage: bench/screenshots.py [--folder DIR] [--only dashboard,run]
With a folder the demo is kept there and used again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
from playwright.sync_api import Page, sync_playwright

from bench import demo
from bench.stack import ROOT
from tests.services import free_port

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 800
HEIGHTS = {"dashboard": 990, "outbox": 620, "import-plan": 480, "run": 860, "approvals": 640}
MOST_BYTES = 150_000
USER = "grace"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", help="keep the demo here, and use it again")
    options.add_argument("--only", default=",".join(PICTURES), help="which pictures, separated by commas")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="highway-demo-") as scratch:
        folder = Path(given.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "highway.sqlite3").exists():
            subprocess.run([sys.executable, "-c", SEED.format(root=str(ROOT), folder=str(folder))], check=True)
        with serving(folder) as url:
            return take(url, given.only.split(","))


SEED = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from bench import demo
demo.prepare(Path({folder!r}), 8000)
demo.seed(lambda line: print(line, flush=True))
"""
"""In a process of its own: its clock stands back."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, "VAR_DIR": str(folder), "PORT": str(port)}
    with (folder / "up.log").open("w") as log:
        up = subprocess.Popen([sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            await_answer(f"{url}/ping")
            yield url
        finally:
            up.terminate()
            up.wait(30)


def await_answer(url: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def take(url: str, names: list[str]) -> int:
    too_large = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(base_url=url, viewport={"width": WIDTH, "height": HEIGHT}).new_page()
        page.goto("/admin/login/")
        page.fill("[name=username]", USER)
        page.fill("[name=password]", demo.PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url("**/admin/")
        for name in names:
            page.set_viewport_size({"width": WIDTH, "height": HEIGHTS.get(name, HEIGHT)})
            PICTURES[name](page)
            page.wait_for_timeout(600)
            page.mouse.move(0, 0)
            page.screenshot(path=IMAGES / f"{name}.png")
            size = (IMAGES / f"{name}.png").stat().st_size
            print(f"{name}: {size // 1000} kB", flush=True)
            too_large += [name] if size > MOST_BYTES else []
        browser.close()
    return len(too_large)


def the_list(model: str) -> Callable[[Page], Any]:
    return lambda page: page.goto(f"/admin/{model}/")


def the_row(model: str, text: str) -> Callable[[Page], Any]:
    def open_row(page: Page) -> None:
        page.goto(f"/admin/{model}/?q={text}")
        page.locator("#result_list tbody th a").first.click()

    return open_row


def overview(page: Page) -> None:
    page.wait_for_timeout(20_000)  # the examples that watch the product have run by then
    page.goto("/admin/")


def run_form(page: Page) -> None:
    the_row("templates_app/workflowtemplate", "order_report")(page)
    page.get_by_role("button", name="Run…").click()


def run(page: Page) -> None:
    run_form(page)
    page.locator("form [type=submit]:visible").last.click()
    page.locator(".hw-head .hw-badge", has_text="completed").wait_for(timeout=60_000)
    page.locator(".hw-step", has_text="reconcile").locator("summary").click()


def trigger(page: Page) -> None:
    the_row("triggers_app/eventtrigger", "Ship")(page)
    page.get_by_text("This event").wait_for()


IMPORT = """name,cron_expression,template,timezone,enabled
Stock of the east,*/20 * * * *,stock_sync,Europe/Berlin,true
"Stock of the north, every half hour",*/15 * * * *,stock_sync,UTC,true
Daily order report,30 6 * * 1-5,order_report,Europe/Berlin,true
Monthly figures,0 5 1 * *,order_report,Europe/Berlin,true
"""


def import_plan(page: Page) -> None:
    page.goto("/admin/schedules_app/scheduledworkflow/")
    page.get_by_role("link", name="Import").first.click()
    file = {"name": "schedules.csv", "mimeType": "text/csv", "buffer": IMPORT.encode()}
    page.locator("[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
    page.locator("form:has([type=file]) [type=submit]").first.click()


PICTURES: dict[str, Callable[[Page], Any]] = {
    "dashboard": overview,
    "template": the_row("templates_app/workflowtemplate", "order_report"),
    "run-form": run_form,
    "run": run,
    "schedule": the_row("schedules_app/scheduledworkflow", "Daily"),
    "trigger": trigger,
    "approvals": the_list("runs_app/approval"),
    "outbox": the_list("tenants_app/outboxmail"),
    "import-plan": import_plan,
}


if __name__ == "__main__":
    sys.exit(main())
