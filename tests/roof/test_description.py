"""The API's description: complete, valid, and its examples work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from highway_automation.examples import EXAMPLES
from runs_app.models import WorkflowRun
from tests.roof.endpoints import OPEN, VERB
from tests.runs.approval_helpers import asking

UNDOCUMENTED = {"/health", "/version", "/api/v1/", "/api/v1/schema", "/api/v1/docs"}  # doubles and doors to the rest


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def operations(description: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    paths = description["paths"].items()
    return {(method.upper(), path): operation for path, methods in paths for method, operation in methods.items()}


def shape(path: str) -> str:
    """The path without the names of its parameters."""
    return "/".join("*" if part[:1] in "<{" and part else part for part in path.split("/"))


def test_it_is_valid(description: dict[str, Any]) -> None:
    validate_schema(description)  # type: ignore[no-untyped-call]


def test_it_holds_every_endpoint(description: dict[str, Any]) -> None:
    described = {(method, shape(path)) for method, path in operations(description)}
    served = {(method, shape(path)) for path, methods in VERB.items() if path not in UNDOCUMENTED for method in methods}

    assert described == served


def test_every_operation_says_what_it_does_answers_and_refuses(description: dict[str, Any]) -> None:
    open_ones = {(method, path) for path, methods in VERB.items() for method, verb in methods.items() if verb == OPEN}
    for (method, path), operation in operations(description).items():
        where = f"{method} {path}"
        assert operation["summary"] and operation["tags"], where
        assert "one of the" not in operation["summary"], where
        answers = set(operation["responses"])
        assert any(code.startswith("2") for code in answers), where
        if (method, path) in open_ones:
            continue
        assert answers >= {"400", "401", "403", "406", "429"}, where
        assert ("404" in answers) >= ("{" in path), where
        assert {"409", "422"} <= answers or method == "GET", where
        assert [list(way) for way in operation["security"]] == [["bearer"], ["apiKey"], ["session"]], where
        for code, answer in operation["responses"].items():
            if code >= "400":
                assert list(answer["content"]) == ["application/problem+json"], where


def test_whatever_reads_json_shows_an_example(description: dict[str, Any]) -> None:
    for (method, path), operation in operations(description).items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert body is None or "example" in body, f"{method} {path}"


def test_every_example_does_its_work(
    api: APIClient, run: Callable[..., WorkflowRun], subtests: pytest.Subtests
) -> None:
    made: dict[str, str] = {"templates": "greet", "variables": "REGION"}
    ids = {"schedules": "schedule_id", "triggers": "trigger_id", "workflows": "workflow_run_id", "memberships": "id"}
    ids["admin/api-keys"] = "api_key_id"
    for name, body in EXAMPLES.items():
        method, _, path = name.partition(" ")
        kind = path.split("/{")[0]
        if kind == "approvals":
            made[kind] = f"ask-{run(asking()).pk}"
        with subtests.test(name):
            url = re.sub(r"\{\w+\}", made.get(kind, ""), f"/api/v1/{path}")
            answer = getattr(api, method.lower())(url, body, format="json")
            assert answer.status_code in {200, 201, 202}, answer.content
            if path in ids:
                made[path] = str(answer.json()[ids[path]])


def test_people_read_it_with_files_of_our_own(client: Client, db: None) -> None:
    page = client.get("/api/v1/docs").content.decode()

    assert "swagger-ui" in page
    assert "://" not in page.replace("http://testserver", "").replace("http://www.w3.org", "")
