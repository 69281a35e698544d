"""How long the admin's pages take with many rows, on SQLite: each list, and the page of one row of it.

Usage: bench/pages.py [--runs 10000] [--schedules 1000] [--folder DIR]
Each figure is the server's CPU time (the database runs in the same process) for one page as an admin of the tenant, the
better of two, in milliseconds.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import demo

LIMIT_MILLISECONDS = 500.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--schedules", type=int, default=1_000)
    options.add_argument("--folder", help="keep the installation here, and use it again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="highway-pages-") as scratch:
        folder = Path(given.folder or scratch)
        known = (folder / "highway.sqlite3").exists()
        folder.mkdir(parents=True, exist_ok=True)
        demo.prepare(folder, 8000)
        if not known:
            demo.seed(print, hours=2)
            multiply(given.runs, given.schedules)
        figures = measure()
    for milliseconds, queries, url in sorted(figures, reverse=True):
        print(f"{milliseconds:8.0f} ms {queries:4d} queries  {url}")
    slowest = max(figures)[0]
    print(f"The slowest took {slowest:.0f} ms; the limit is {LIMIT_MILLISECONDS:g} ms.")
    return int(slowest > LIMIT_MILLISECONDS)


def multiply(runs: int, schedules: int) -> None:
    """Copies of what the demo made, spread over a day."""
    from runs_app.models import Approval, RunBranch, StepRun, WorkflowRun
    from schedules_app.models import ScheduledWorkflow, ScheduleTick
    from tenants_app.models import OutboxMail, Tenant
    from triggers_app.models import Event, EventTrigger, TriggerDelivery

    tenant = Tenant.objects.get(pk="default")
    copied = copies(WorkflowRun, tenant, runs, "created_at", idempotency_key=None)
    for model in (StepRun, RunBranch, Approval):
        copies(model, tenant, runs if model is not Approval else 500, run=copied)
    plans = copies(ScheduledWorkflow, tenant, schedules, "next_run_at", name="Schedule {}")
    copies(ScheduleTick, tenant, 2 * runs, "scheduled_for", schedule=plans)
    triggers = copies(EventTrigger, tenant, schedules, name="Trigger {}")
    events = copies(Event, tenant, runs, "occurred_at", external_id=None)
    copies(TriggerDelivery, tenant, runs, "created_at", event=events, trigger=triggers)
    copies(OutboxMail, tenant, runs // 5, "created_at")


def copies(model: Any, tenant: Any, count: int, moved: str = "", **values: Any) -> list[Any]:
    """`count` rows like those that are there; a list of values is dealt out in turn, `{}` in a text is the number."""
    chance = random.Random(count)  # noqa: S311
    patterns = list(model.objects.for_tenant(tenant))
    rows = []
    for number in range(count):
        row = copy.copy(patterns[number % len(patterns)])
        row.pk = model._meta.pk.get_default()
        if moved:
            setattr(row, moved, demo.now_minus(chance.random() * 24))
        for name, value in values.items():
            dealt = value[number % len(value)] if isinstance(value, list) else value
            setattr(row, name, dealt.format(number) if isinstance(dealt, str) else dealt)
        if hasattr(row, "next_run_at") and moved == "next_run_at":
            row.next_run_at = demo.now_minus(-1 - chance.random() * 24)
        rows.append(row)
    model.objects.for_tenant(tenant).bulk_create(rows, batch_size=500)
    return rows


def measure() -> list[tuple[float, int, str]]:
    from django.contrib import admin
    from django.test import Client
    from django.test.utils import setup_test_environment

    from tenants_app.models import User

    setup_test_environment(debug=False)  # answers then carry their contexts
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(username="grace"), backend="django.contrib.auth.backends.ModelBackend")
    figures = [timed(client, "/admin/")]
    for model_admin in admin.site._registry.values():
        url = f"/admin/{model_admin.opts.app_label}/{model_admin.opts.model_name}/"
        answer = client.get(url)
        if answer.status_code != 200:
            continue
        figures.append(timed(client, url))
        if model_admin.search_fields:
            figures.append(timed(client, f"{url}?q=stock"))
        if first := next(iter(answer.context["cl"].result_list), None):
            figures.append(timed(client, f"{url}{first.pk}/change/"))
        if client.get(f"{url}add/").status_code == 200:
            figures.append(timed(client, f"{url}add/"))
    return figures


def timed(client: Any, url: str) -> tuple[float, int, str]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    best, count = float("inf"), 0
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            begun = time.process_time()
            assert client.get(url).status_code == 200, url
            best, count = min(best, (time.process_time() - begun) * 1000), len(queries)
    return best, count, url


if __name__ == "__main__":
    sys.exit(main())
