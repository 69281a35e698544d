"""What the API answers where nothing stands, and to bodies that nobody asked for."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["v1/nothing", "v1/nothing/", "v1/templates/a/b/c", "v2/templates", "v1//templates"])
def test_an_unknown_endpoint_is_told_like_every_error(path: str, method: str) -> None:
    answer = getattr(APIClient(), method)(f"/api/{path}", {"a": 1}, format="json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert (answer.json()["code"], answer.json()["detail"]) == ("NOT_FOUND", "There is no such endpoint.")


@pytest.mark.parametrize("path", ["", "/", "/docs", "/docs/", "/schema", "/schema/", "/health", "/health/"])
def test_what_stands_there_answers_with_and_without_slash(db: None, api: APIClient, path: str) -> None:
    assert api.get(f"/api/v1{path}", follow=True).status_code == 200


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 422), ('{"colour": "red"}', 422)])
def test_an_action_that_asks_nothing_takes_nothing(api: APIClient, verb: str, body: str, status: int) -> None:
    task = {"task_id": "a", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "x"}}
    definition = {"name": "x", "version": "1", "tasks": {"a": task}}
    made = api.post("/api/v1/triggers", {"event_type": "x", "workflow_definition": definition}, format="json").json()
    path = f"/api/v1/triggers/{made['trigger_id']}"

    assert api.post(f"{path}/{verb}", body, content_type="application/json").status_code == status
    assert api.get(path).json()["enabled"] is True
    assert api.post(f"{path}/{verb}").status_code == 200


LISTS = [
    *("templates", "schedules", "triggers", "workflows", "approvals", "events", "deliveries", "users", "memberships"),
    "variables",
]


@pytest.mark.parametrize("path", [*LISTS, "admin/api-keys", "templates/hello/versions"])
def test_a_list_refuses_a_parameter_that_it_does_not_know(api: APIClient, path: str) -> None:
    task = {"task_id": "a", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "x"}}
    definition = {"name": "x", "version": "1", "tasks": {"a": task}}
    api.post("/api/v1/templates", {"name": "hello", "workflow_definition": definition}, format="json")
    known: dict[str, Any] = {"page": 1, "page_size": 5, "per_page": 5, "limit": 5, "tenant": "acme", "format": "json"}
    if path in LISTS:
        known |= {"ordering": "", "search": ""}

    assert api.get(f"/api/v1/{path}", known).status_code == 200
    answer = api.get(f"/api/v1/{path}", {**known, "statuss": "failed", "colour": "red"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["statuss", "colour"]
    for name in known:
        assert name in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "name", "value", "told"),
    [
        ("templates", "enabled", "maybe", "true or false"),
        ("schedules", "enabled", "2", "true or false"),
        ("triggers", "enabled", "unknown", "true or false"),
        ("variables", "secret", "maybe", "true or false"),
        ("events", "dispatched", "maybe", "true or false"),
        ("workflows", "status", "done", "completed"),
        ("schedules", "overlap", "x", "skip"),
        ("triggers", "mode", "x", "shadow"),
        ("deliveries", "outcome", "x", "submitted"),
        ("deliveries", "workflow_run_id", "x", "UUID"),
        ("deliveries", "trigger", "x", "UUID"),
        ("memberships", "role", "king", "viewer"),
        ("templates", "ordering", "name,-colour", "updated_at"),
        ("workflows", "ordering", "colour", "created_at"),
    ],
)
def test_a_list_refuses_a_value_that_filters_nothing(
    api: APIClient, path: str, name: str, value: str, told: str
) -> None:
    answer = api.get(f"/api/v1/{path}", {name: value})

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [name])
    assert told in answer.json()["errors"][0]["message"]


def test_one_object_is_not_filtered(api: APIClient) -> None:
    api.post("/api/v1/variables", {"name": "A", "value": "1"}, format="json")

    for query in ("", "?secret=true", "?search=zzz", "?tenant=acme"):
        assert api.get(f"/api/v1/variables/A{query}").status_code == 200
    for truth in ("true", "True", "1"):
        assert api.get(f"/api/v1/variables?secret={truth}").json()["total"] == 0
    for truth in ("false", "FALSE", "0", ""):
        assert api.get(f"/api/v1/variables?secret={truth}").json()["total"] == 1


@pytest.mark.parametrize("path", ["schedules", "triggers"])
def test_a_list_is_filtered_by_a_templates_name_or_id(api: APIClient, foreign_api: APIClient, path: str) -> None:
    task = {"task_id": "a", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "x"}}
    definition = {"name": "x", "version": "1", "tasks": {"a": task}}
    ids = {}
    for name in ("one", "two"):
        body = {"name": name, "workflow_definition": definition}
        ids[name] = api.post("/api/v1/templates", body, format="json").json()["template_id"]
        body = {"cron_expression": "@daily"} if path == "schedules" else {"event_type": "x"}
        assert api.post(f"/api/v1/{path}", {**body, "template": name}, format="json").status_code == 201
    foreign_api.post("/api/v1/templates", {"name": "theirs", "workflow_definition": definition}, format="json")

    for value in ("one", ids["one"]):
        assert [row["template"] for row in api.get(f"/api/v1/{path}?template={value}").json()[path]] == ["one"]
    assert api.get(f"/api/v1/{path}?template=").json()["total"] == 2
    for unknown in ("theirs", "nobody", ids["one"][:-1], "100%s", "%(value)s {0}"):
        answer = api.get(f"/api/v1/{path}", {"template": unknown})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "template")
        assert answer.json()["errors"][0]["message"] == f"There is no template '{unknown}'."
