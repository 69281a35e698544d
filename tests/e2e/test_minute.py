"""A schedule made by a person fires on every minute; a command in another process runs a template beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.pages import Browser
from tests.e2e.product import Product

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

TENANT = "punctual"
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MINUTES = 3
DEFINITION = {
    "name": "say",
    "version": "1",
    "tasks": {
        "say": {
            "task_id": "say",
            "operator_type": "task",
            "function": "tools.shell.run",
            "args": ["printf %s ${inputs.word}"],
            "result_key": "said",
        }
    },
}
SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


@pytest.fixture(scope="module")
def api(product: Product, root: Browser) -> Iterator[httpx.Client]:
    """A tenant made in the admin, with the template `say.word`."""
    root.submit("/admin/tenants_app/tenant/add/", "tenant_form", tenant_id=TENANT, allowed_tools='["tools.*"]')
    with product.api(product.key(root, TENANT)) as client:
        body = {"name": "say.word", "workflow_definition": DEFINITION, "input_schema": SCHEMA}
        assert client.post("templates", json=body).status_code == 201
        yield client


def test_every_minute_fires_once(product: Product, root: Browser, api: httpx.Client) -> None:
    template = api.get("templates/say.word").json()["template_id"]
    values = {"name": "each minute", "cron_expression": "* * * * *", "template": template, "inputs": '{"word": "tick"}'}
    root.choose_tenant(TENANT)
    root.submit("/admin/schedules_app/scheduledworkflow/add/", "scheduledworkflow_form", **values)
    schedule = api.get("schedules").json()["schedules"][0]
    expected = []
    for _ in range(MINUTES):
        expected.append(moment(next_run(api, schedule)))
        product.move_clock_to(expected[-1] + SECOND)  # which leaves the scheduler most of a minute to decide it
        product.until(lambda: expected[-1] in fired(api, schedule), f"the run of {expected[-1]}")
    root.press("Pause", f"/admin/schedules_app/scheduledworkflow/{schedule['schedule_id']}/change/")
    ledger = history(api, schedule)

    times = [moment(tick["scheduled_for"]) for tick in reversed(ledger)]
    assert times == [times[0] + number * MINUTE for number in range(len(times))]
    assert set(expected) <= set(times)
    assert {tick["outcome"] for tick in ledger} == {"submitted"}
    assert len({tick["workflow_run_id"] for tick in ledger}) == len(ledger)
    assert next_run(api, schedule) is None


def test_a_command_runs_a_template_beside_the_running_processes(product: Product, api: httpx.Client) -> None:
    words = {"word": "two words; $(touch nothing)"}
    told = product.manage("run_template", "say.word", "--tenant", TENANT, "--input", json.dumps(words), "--wait", "45")
    run = json.loads(told)

    assert (run["status"], run["template"], run["version"]) == ("completed", "say.word", 1)
    steps = api.get(f"workflows/{run['workflow_run_id']}/steps").json()["steps"]
    assert [step["output"]["stdout"] for step in steps] == [words["word"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def next_run(api: httpx.Client, schedule: dict[str, Any]) -> Any:
    return api.get(f"schedules/{schedule['schedule_id']}").json()["next_run_at"]


def history(api: httpx.Client, schedule: dict[str, Any]) -> list[dict[str, Any]]:
    """The ledger, newest first."""
    rows: list[dict[str, Any]] = api.get(f"schedules/{schedule['schedule_id']}/history").json()["executions"]
    return rows


def fired(api: httpx.Client, schedule: dict[str, Any]) -> set[datetime]:
    """The times whose run has completed."""
    return {moment(tick["scheduled_for"]) for tick in history(api, schedule) if tick["status"] == "completed"}
