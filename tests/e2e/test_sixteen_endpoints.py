"""The sixteen endpoints by `curl`: with and without trailing slash, by session and by both spellings of an API key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.curl import Curl
from tests.e2e.pages import Browser
from tests.e2e.world import ENDPOINTS, NAME, OURS, SCHEDULE, TEMPLATE, TRIGGER, World, by_session, saying, told

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

PAGE = {"total", "page", "page_size", "next", "previous"}
WAYS: dict[str, Callable[[World, Path], Curl]] = {
    "session": by_session,
    "bearer": lambda world, jar: world.curl(world.key),
    "x-api-key": lambda world, jar: Curl(world.url, (f"X-API-Key: {world.key}",)),
}


@pytest.mark.parametrize("slash", ["", "/"], ids=["plain", "slash"])
@pytest.mark.parametrize("way", WAYS)
def test_every_endpoint_does_its_work(world: World, tmp_path: Path, way: str, slash: str) -> None:
    ask = WAYS[way](world, tmp_path / "jar")
    ask.slash = slash
    walk_templates(ask)
    schedule, trigger = walk_schedules(ask), walk_triggers(ask)
    in_use = ask("DELETE", "/templates/{name}", name=NAME)
    told(in_use, 409)
    assert "yearly" in in_use.json["detail"] and "renamed" in in_use.json["detail"]
    for endpoint, gone in (("/schedules/{id}", schedule), ("/triggers/{id}", trigger)):
        assert ask("DELETE", endpoint, id=gone).status == 204
        told(ask("DELETE", endpoint, id=gone), 404)
    assert ask("DELETE", "/templates/{name}", name=NAME).status == 204
    told(ask("GET", "/templates/{name}", name=NAME), 404)

    assert ask.asked == ENDPOINTS


def walk_templates(ask: Curl) -> None:
    created = ask("POST", "/templates", TEMPLATE)
    assert (created.status, created.content_type) == (201, "application/json"), created
    read = ask("GET", "/templates/{name}", name=NAME)
    assert (read.status, created.json) == (200, {**read.json, "warnings": []})
    assert {field: read.json[field] for field in TEMPLATE} == TEMPLATE
    listed = ask("GET", "/templates")
    assert (listed.status, set(listed.json)) == (200, {"templates", *PAGE})
    assert NAME in [template["name"] for template in listed.json["templates"]]
    changed = ask(
        "PUT", "/templates/{name}", {"name": NAME, "workflow_definition": saying("Bye ${inputs.who}")}, name=NAME
    )
    assert (changed.status, changed.json["version"]) == (200, 2), changed
    key = f"walk-{uuid4()}"
    body = {"inputs": {"who": "Ada"}, "idempotency_key": key}
    started = ask("POST", "/templates/{name}/run", body, name=NAME)
    assert (started.status, started.json["template"], started.json["version"]) == (202, NAME, 2), started
    by_header: dict[str, Any] = {"headers": (f"Idempotency-Key: {key}",), "name": NAME}
    repeated = ask("POST", "/templates/{name}/run", {"input": {"who": "Ada"}}, **by_header)
    assert (repeated.status, repeated.json["workflow_run_id"]) == (200, started.json["workflow_run_id"]), repeated
    told(ask("POST", "/templates/{name}/run", {"inputs": {"who": "Bob"}}, **by_header), 409)
    told(ask("POST", "/templates", TEMPLATE), 409)


def walk_schedules(ask: Curl) -> str:
    created = ask("POST", "/schedules", SCHEDULE)
    assert (created.status, created.json["template"]) == (201, NAME), created
    where = {"id": created.json["schedule_id"]}
    listed = ask("GET", "/schedules")
    assert where["id"] in [schedule["schedule_id"] for schedule in listed.json["schedules"]]
    changed = ask("PUT", "/schedules/{id}", {**SCHEDULE, "cron_expression": "0 4 1 1 *"}, **where)
    assert (changed.status, changed.json["cron_expression"]) == (200, "0 4 1 1 *"), changed
    for verb, enabled in (("pause", False), ("pause", False), ("resume", True), ("resume", True)):
        answer = ask("POST", f"/schedules/{{id}}/{verb}", **where)
        assert (answer.status, answer.json["enabled"]) == (200, enabled), answer
    assert created.json["next_run_at"] and answer.json["next_run_at"]
    told(ask("POST", "/schedules", SCHEDULE), 409)
    return str(where["id"])


def walk_triggers(ask: Curl) -> str:
    created = ask("POST", "/triggers", {**TRIGGER, "filter_expression": {"workflow_name": "critical_*"}})
    assert (created.status, created.json["template"]) == (201, NAME), created
    where = {"id": created.json["trigger_id"]}
    listed = ask("GET", "/triggers")
    assert where["id"] in [trigger["trigger_id"] for trigger in listed.json["triggers"]]
    changed = ask("PUT", "/triggers/{id}", {**TRIGGER, "name": "renamed"}, **where)
    assert (changed.status, changed.json["name"]) == (200, "renamed"), changed
    told(ask("POST", "/triggers", {**TRIGGER, "name": "renamed"}), 409)
    return str(where["id"])


def test_every_page_of_the_browsable_api_shows(world: World, root: Browser, kept: dict[str, str]) -> None:
    places = {"templates": kept["name"], "schedules": kept["schedule"], "triggers": kept["trigger"]}
    for kind, key in places.items():
        for path in (kind, f"{kind}/{key}"):
            page = root.client.get(f"/api/v1/{path}?tenant={OURS}", headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert kept["name"] in page.text
