"""Runs over the API: submit, repeat, list, read, cancel, refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from runs_app.models import WorkflowDefinition, WorkflowRun
from tenants_app.models import Tenant
from tests.conftest import client_with_key, shell, workflow
from tests.runs.engine.helpers import wait

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = workflow(shell("hello", "echo hello {{inputs.name}}", result_key="said"))


def submit(api: APIClient, body: dict[str, Any], path: str = "/api/v1/workflows", **headers: Any) -> Any:
    return api.post(path, body, format="json", **headers)


@pytest.mark.parametrize("path", ["/api/v1/workflows", "/api/v1/workflows/"])
def test_a_definition_is_submitted_driven_and_read(api: APIClient, drive: Callable[[], int], path: str) -> None:
    answer = submit(api, {"workflow_definition": HELLO, "inputs": {"name": "you"}}, path)
    assert answer.status_code == 202, answer.json()
    assert answer.json()["status"] == "pending"
    drive()
    read = api.get(f"{path.rstrip('/')}/{answer.json()['workflow_run_id']}").json()
    assert (read["status"], read["current_step"], read["progress"]) == ("completed", None, {"completed": 1, "total": 1})
    assert read["result"]["said"]["stdout"] == read["result"]["output"]["stdout"] == "hello you\n"
    steps = api.get(f"/api/v1/workflows/{read['workflow_run_id']}/steps").json()["steps"]
    assert [(step["path"], step["status"]) for step in steps] == [("hello", "succeeded")]
    assert "hello you" in steps[0]["log"]


def test_a_sleeping_run_names_the_step_it_is_at(api: APIClient, drive: Callable[[], int]) -> None:
    answer = submit(api, {"workflow_definition": workflow(wait("nap", "PT1H"))})
    drive()
    read = api.get(f"/api/v1/workflows/{answer.json()['workflow_run_id']}").json()
    assert (read["status"], read["current_step"]) == ("sleeping", "nap")


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Idempotency-Key", None])
def test_a_repeated_key_is_one_run(api: APIClient, header: str | None) -> None:
    body: dict[str, Any] = {"workflow_definition": HELLO, "inputs": {"name": "you"}}
    headers = {f"HTTP_{header.upper().replace('-', '_')}": "k1"} if header else {}
    if not header:
        body["idempotency_key"] = "k1"
    first, again = submit(api, body, **headers), submit(api, body, **headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["workflow_run_id"] == again.json()["workflow_run_id"]
    other = submit(api, {**body, "inputs": {"name": "me"}}, **headers)
    assert other.status_code == 409
    assert other.json()["existing_run_id"] == first.json()["workflow_run_id"]
    assert WorkflowRun.objects.all_tenants().count() == 1


def test_keys_belong_to_their_tenant(api: APIClient, foreign_api: APIClient) -> None:
    body = {"workflow_definition": HELLO, "idempotency_key": "k1"}
    assert submit(api, body).status_code == submit(foreign_api, body).status_code == 202


def test_cancel_answers_200_then_409(api: APIClient) -> None:
    run_id = submit(api, {"workflow_definition": workflow(wait("nap", "PT1H"))}).json()["workflow_run_id"]
    first = api.post(f"/api/v1/workflows/{run_id}/cancel", {"reason": "enough"}, format="json")
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert api.post(f"/api/v1/workflows/{run_id}/cancel").status_code == 409


@pytest.mark.parametrize("execute", [True, False])
@pytest.mark.parametrize("inputs", [[], "text", 1, None, [{}]])
def test_inputs_that_are_no_object_are_refused(api: APIClient, execute: bool, inputs: Any) -> None:
    for word in ("inputs", "input"):
        answer = submit(api, {"workflow_definition": HELLO, "execute": execute, word: inputs})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, word)
    assert not WorkflowDefinition.objects.all_tenants().exists()


def test_execute_false_only_registers(api: APIClient) -> None:
    answer = submit(api, {"workflow_definition": HELLO, "execute": False})
    assert answer.status_code == 201
    assert WorkflowDefinition.objects.all_tenants().filter(pk=answer.json()["definition_id"]).exists()
    assert not WorkflowRun.objects.all_tenants().exists()


def test_python_source_is_compiled(api: APIClient, drive: Callable[[], int]) -> None:
    source = (
        "from highway_dsl import WorkflowBuilder, task\n"
        "workflow = WorkflowBuilder('said').add(task('a').tool('tools.shell.run').input(command='echo hi')).build()\n"
    )
    answer = submit(api, {"python_dsl": source})
    assert answer.status_code == 202, answer.json()
    drive()
    assert api.get(f"/api/v1/workflows/{answer.json()['workflow_run_id']}").json()["status"] == "completed"


BROKEN: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "workflow_definition"),
    ({"workflow_definition": HELLO, "surprise": 1}, 422, "surprise"),
    ({"workflow_definition": HELLO, "inputs": [1]}, 422, "inputs"),
    ({"workflow_definition": HELLO, "inputs": {}, "input": {}}, 422, "input"),
    ({"workflow_definition": HELLO, "python_dsl": "x"}, 422, "workflow_definition"),
    ({"workflow_definition": "text"}, 422, "workflow_definition"),
    ({"workflow_definition": workflow(shell("a", "echo", "ghost"))}, 422, "workflow_definition.tasks.a"),
    ({"workflow_definition": workflow(shell("a", "echo", "b"), shell("b", "echo", "a"))}, 422, "workflow_definition"),
    ({"workflow_definition": workflow(shell("a", "eval {{inputs.x}}"))}, 422, "workflow_definition.tasks.a"),
    ({"workflow_definition": HELLO, "idempotency_key": "k" * 300}, 422, "idempotency_key"),
]


@pytest.mark.parametrize(("body", "status", "field"), BROKEN)
def test_what_cannot_run_is_refused_by_field(api: APIClient, body: dict[str, Any], status: int, field: str) -> None:
    answer = submit(api, body)
    assert answer.status_code == status, answer.json()
    problem = answer.json()
    assert problem["code"] and problem["message"]
    assert any(error["field"].startswith(field) for error in problem["errors"]), problem
    assert not WorkflowRun.objects.all_tenants().exists()


RAW: list[tuple[bytes, tuple[int, ...]]] = [
    (b'{"workflow_definition": ' + b"[" * 100_000, (400,)),
    (b"[" * 50_000, (400,)),
    (b'{"inputs": {"a": "\\u0000"}}', (400,)),
    (b'{"inputs": {"a": "\\ud800"}}', (400,)),
    (b'{"inputs": {"a": NaN}}', (400,)),
    (b'{"inputs": "' + b"x" * (2 * 1024 * 1024) + b'"}', (413,)),
    (b"\xff\xfe", (400,)),
    (b"", (422,)),
]


@pytest.mark.parametrize(("body", "statuses"), RAW)
def test_hostile_bodies_get_a_4xx_and_write_nothing(api: APIClient, body: bytes, statuses: tuple[int, ...]) -> None:
    answer = api.post("/api/v1/workflows", data=body, content_type="application/json")
    assert answer.status_code in statuses, answer.content[:300]
    assert answer.json()["code"]
    assert not WorkflowDefinition.objects.all_tenants().exists()


def test_a_foreign_run_is_like_no_run(api: APIClient, foreign_api: APIClient) -> None:
    run_id = submit(api, {"workflow_definition": HELLO}).json()["workflow_run_id"]
    unused = "0190aaaa-0000-7000-8000-000000000000"
    for suffix, method in (("", "get"), ("/steps", "get"), ("/cancel", "post")):
        foreign = getattr(foreign_api, method)(f"/api/v1/workflows/{run_id}{suffix}")
        missing = getattr(foreign_api, method)(f"/api/v1/workflows/{unused}{suffix}")
        assert foreign.status_code == missing.status_code == 404
        assert str(foreign.json()).replace(run_id, unused) == str(missing.json())
    assert foreign_api.get("/api/v1/workflows").json()["total"] == 0
    assert api.get("/api/v1/workflows/not-a-uuid").status_code == 404


def test_roles_and_missing_keys(tenant: Tenant) -> None:
    viewer = client_with_key(tenant, "viewer")
    assert submit(viewer, {"workflow_definition": HELLO}).status_code == 403
    assert viewer.get("/api/v1/workflows").status_code == 200
    assert submit(APIClient(), {"workflow_definition": HELLO}).status_code == 401


def test_the_list_costs_the_same_for_one_and_for_twenty(api: APIClient, drive: Callable[[], int]) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get("/api/v1/workflows?status=sleeping").status_code == 200
        return len(queries)

    body = {"workflow_definition": workflow(wait("nap", "PT1H"))}
    submit(api, body)
    drive()
    count()
    one = count()
    for _ in range(19):
        submit(api, body)
    drive()
    assert count() == one
    listed = api.get("/api/v1/workflows?status=sleeping&page_size=5").json()
    assert (listed["total"], len(listed["workflows"]), listed["page"]) == (20, 5, 1)
    assert {row["current_step"] for row in listed["workflows"]} == {"nap"}
