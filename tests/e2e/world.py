"""Two tenants to ask the sixteen endpoints for, and what their answers must look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.curl import Answer, Curl
from tests.e2e.pages import Browser
from tests.e2e.product import ADMIN, PASSWORD, Product

OURS, THEIRS = "sixteen", "sixteen-others"
NAME = "a.b-c"
ENDPOINTS = {
    *[("POST", "/templates"), ("GET", "/templates"), ("GET", "/templates/{name}"), ("PUT", "/templates/{name}")],
    *[("DELETE", "/templates/{name}"), ("POST", "/templates/{name}/run")],
    *[("POST", "/schedules"), ("GET", "/schedules"), ("PUT", "/schedules/{id}"), ("DELETE", "/schedules/{id}")],
    *[("POST", "/schedules/{id}/pause"), ("POST", "/schedules/{id}/resume")],
    *[("POST", "/triggers"), ("GET", "/triggers"), ("PUT", "/triggers/{id}"), ("DELETE", "/triggers/{id}")],
}


def saying(word: str = "${inputs.who}", *dependencies: str) -> dict[str, Any]:
    task = {"task_id": "say", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": word}}
    return {"name": "say", "version": "1", "tasks": {"say": {**task, "dependencies": list(dependencies)}}}


SCHEMA = {
    "type": "object",
    "properties": {"who": {"type": "string", "default": "you"}, "age": {"type": "integer"}},
    "additionalProperties": False,
}
TEMPLATE = {"name": NAME, "workflow_definition": saying(), "input_schema": SCHEMA}
SCHEDULE = {"name": "yearly", "cron_expression": "0 3 1 1 *", "template": NAME}
TRIGGER = {"name": "on failure", "event_type": "workflow_failed", "template": NAME}


class World:
    """Two tenants with a key each; `keep` makes one of them a template, a schedule and a trigger."""

    def __init__(self, product: Product, root: Browser) -> None:
        self.url = product.url
        for tenant in (OURS, THEIRS):
            root.submit("/admin/tenants_app/tenant/add/", "tenant_form", tenant_id=tenant)
        self.key, self.foreign_key = product.key(root, OURS), product.key(root, THEIRS)
        self.viewer_key = product.key(root, OURS, "viewer")

    def curl(self, key: str, slash: str = "") -> Curl:
        return Curl(self.url, (f"Authorization: Bearer {key}",), slash)

    def keep(self, key: str, name: str) -> dict[str, str]:
        ask = self.curl(key)
        made = {"name": made_by(ask("POST", "/templates", {**TEMPLATE, "name": name}), "name")}
        made["schedule"] = made_by(
            ask("POST", "/schedules", {**SCHEDULE, "name": name, "template": name}), "schedule_id"
        )
        made["trigger"] = made_by(ask("POST", "/triggers", {**TRIGGER, "name": name, "template": name}), "trigger_id")
        return made

    def written(self) -> list[Any]:
        """All that the endpoints could have written for either tenant."""
        found = []
        for key in (self.key, self.foreign_key):
            with httpx.Client(base_url=f"{self.url}/api/v1/", headers={"X-API-Key": key}, timeout=30) as client:
                found += [client.get(kind).json()[kind] for kind in ("templates", "schedules", "triggers")]
                found += [run["workflow_run_id"] for run in client.get("workflows").json()["workflows"]]
        return found


def made_by(answer: Answer, field: str) -> str:
    assert answer.status == 201, answer
    return str(answer.json[field])


def by_session(world: World, jar: Path) -> Curl:
    curl = Curl(world.url, (f"X-Tenant: {OURS}",), jar=jar)
    curl.login(ADMIN, PASSWORD)
    return curl


def told(answer: Answer, status: int, field: str | None = None) -> None:
    """A refusal as problem details; `field` begins the name of one that it complains about."""
    assert (answer.status, answer.content_type) == (status, "application/problem+json"), answer
    problem = answer.json
    assert {"type", "title", "status", "detail", "code", "message"} <= set(problem), problem
    assert (problem["status"], problem["message"]) == (status, problem["detail"]), problem
    assert problem["code"] == problem["code"].upper() and problem["title"] and problem["detail"]
    if field is not None:
        assert any(error["field"].startswith(field) and error["message"] for error in problem["errors"]), problem


def where(endpoint: str, made: dict[str, str]) -> dict[str, Any]:
    kind = "schedule" if endpoint.startswith("/schedules") else "trigger"
    return {"name": made["name"], "id": made[kind]}
