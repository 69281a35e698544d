"""Who may do what: the roles' table against every endpoint, cell by cell, and what another tenant's key sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from runs_app.actions import publish_name
from runs_app.actions.workers import heartbeat
from runs_app.models import WorkflowDefinition, WorkflowRun
from tenants_app.models import Tenant
from tenants_app.roles import Role, may
from tests.conftest import client_with_key
from tests.e2e.zips import a_zip
from tests.roof.endpoints import CELLS, OPEN, SIGNED_IN, VERB, at, served
from tests.runs.approval_helpers import asking

ROLES = [role.value for role in Role]
TASK = {"task_id": "a", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "x"}}
DEFINITION = {"name": "x", "version": "1", "tasks": {"a": TASK}}
GLOBAL = {"/api/v1/workers/<worker_id>"}  # workers serve every tenant
BODY = dict.fromkeys(("POST", "PUT", "PATCH"), (b'{"colour": "red"}', "application/json"))
ALWAYS_ANSWERED = {"/api/v1/artifacts/<artifact_id>/exists"}  # says whether it is there


def test_every_endpoint_says_which_verb_it_needs() -> None:
    assert served() == {path: set(methods) for path, methods in VERB.items()}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_its_verbs_and_no_more(tenant: Tenant, role: str, subtests: pytest.Subtests) -> None:
    client = client_with_key(tenant, role)
    for method, path, verb in CELLS:
        allowed = verb in {OPEN, SIGNED_IN} or may(role, verb)
        with subtests.test(f"{method} {path}"):
            answer = client.generic(method, at(path))
            assert answer.status_code not in {401, 405}
            assert (answer.status_code != 403) is allowed, answer.content
            if not allowed:
                assert answer.json()["detail"] == f"Your role {role} does not allow to {verb}."


def test_without_a_key_only_what_is_open_answers(tenant: Tenant, subtests: pytest.Subtests) -> None:
    for method, path, verb in CELLS:
        with subtests.test(f"{method} {path}"):
            answer = APIClient().generic(method, at(path))
            assert (answer.status_code == 401) is (verb != OPEN), answer.content
            if verb != OPEN:
                assert answer["Content-Type"] == "application/problem+json"
                assert "WWW-Authenticate" in answer


def test_a_key_opens_its_own_tenant_only(tenant: Tenant, other_tenant: Tenant, subtests: pytest.Subtests) -> None:
    client = client_with_key(other_tenant, "admin")
    for method, path, verb in CELLS:
        if verb in {OPEN, SIGNED_IN}:
            continue
        with subtests.test(f"{method} {path}"):
            by_header = client.generic(method, at(path), headers={"X-Tenant": tenant.pk})
            by_query = client.generic(method, f"{at(path)}?tenant={tenant.pk}")
            assert (by_header.status_code, by_query.status_code) == (403, 403)


def test_what_is_another_tenants_is_as_unknown_as_what_is_nobodys(
    existing: dict[str, dict[str, str]], foreign_api: APIClient, api: APIClient, subtests: pytest.Subtests
) -> None:
    asked = 0
    for method, path, _verb in CELLS:
        if "<" not in path or path in GLOBAL | ALWAYS_ANSWERED:
            continue
        theirs = existing[path.split("/<")[0].removeprefix("/api/v1/")]
        with subtests.test(f"{method} {path}"):
            urls = [at(path, **theirs), at(path)]
            answers = [foreign_api.generic(method, url, *BODY.get(method, ())) for url in urls]
            assert [answer.status_code for answer in answers] == [404, 404], answers[0].content
            told, unknown = (answer.content.decode() for answer in answers)
            for name in re.findall(r"<(\w+)>", path):
                told, unknown = told.replace(theirs[name], "…"), unknown.replace(at(f"<{name}>"), "…")
            assert told == unknown
            if method == "GET":
                assert api.get(urls[0]).status_code == 200
            asked += 1
    assert asked > 40


@pytest.fixture
def existing(api: APIClient, tenant: Tenant, run: Callable[..., WorkflowRun]) -> dict[str, dict[str, str]]:
    """One of everything that acme has, by the path before its parameter, which the parameter of the path names."""

    def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = api.post(f"/api/v1/{path}", body, format="json")
        assert answer.status_code in {201, 202}, answer.content
        return dict(answer.json())

    heartbeat("w", kind="worker")
    made("templates", {"name": "mine", "workflow_definition": DEFINITION})
    schedule = made("schedules", {"name": "mine", "cron_expression": "@daily", "template": "mine"})
    trigger = made("triggers", {"name": "mine", "event_type": "happened", "template": "mine"})
    event = made("events", {"type": "happened"})
    deliver()
    waiting = run(asking())
    definition = WorkflowDefinition.objects.for_tenant(tenant).get(pk=waiting.definition_id)
    publish_name(tenant, "published", 3, definition)
    artifact = api.post("/api/v1/artifacts", a_zip({"a.py": ""}), content_type="application/zip").json()
    key = made("admin/api-keys", {"name": "mine"})["api_key_id"]
    membership = made("memberships", {"email": "mine@example.com"})["id"]
    made("variables", {"name": "MINE", "value": "1"})
    return {
        "templates": {"name": "mine", "number": "1"},
        "schedules": {"pk": schedule["schedule_id"]},
        "workflows/schedules": {"name": "mine"},
        "triggers": {"pk": trigger["trigger_id"]},
        "events": {"pk": event["event_id"]},
        "deliveries": {"pk": api.get("/api/v1/deliveries").json()["deliveries"][0]["delivery_id"]},
        "workflows": {"pk": str(waiting.pk), "name": "published", "version": "3"},
        "workflows/definitions": {"definition_id": str(definition.pk)},
        "workflows/by-hash": {"hash": definition.sha256},
        "approvals": {"key": f"ask-{waiting.pk}"},
        "artifacts": {"artifact_id": artifact["artifact_id"]},
        "users": {"email": "mine@example.com"},
        "variables": {"name": "MINE"},
        "memberships": {"pk": str(membership)},
        "admin/api-keys": {"pk": key},
    }


def deliver() -> None:
    from triggers_app.actions import dispatch_events

    dispatch_events()
