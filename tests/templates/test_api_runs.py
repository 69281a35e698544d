from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from runs_app.models import WorkflowRun
from templates_app.actions import create_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.templates.conftest import saying

Make = Callable[..., WorkflowTemplate]
URL = "/api/v1/templates"


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"{URL}{path}", body, format="json", headers=headers or None)


@pytest.mark.parametrize("word", ["inputs", "input"])
def test_running_answers_the_run_and_fills_defaults(
    api: APIClient, template: WorkflowTemplate, drive: Callable[[], int], word: str
) -> None:
    answer = post(api, "/greet/run", {word: {"times": 2}})
    body = answer.json()
    drive()
    run = WorkflowRun.objects.for_tenant("acme").get(pk=body["workflow_run_id"])

    assert answer.status_code == 202
    assert (body["status"], body["template"], body["version"]) == ("pending", "greet", 1)
    assert (run.status, run.inputs, run.workflow_name) == ("completed", {"who": "world", "times": 2}, "greet")
    assert (run.cause_kind, run.cause_id, run.template_version) == ("template", str(template.pk), 1)


def test_running_with_an_empty_body_uses_the_defaults(api: APIClient, template: WorkflowTemplate) -> None:
    assert api.post(f"{URL}/greet/run").status_code == 202


@pytest.mark.parametrize("how", ["body", "Idempotency-Key", "X-Idempotency-Key"])
def test_a_repeated_key_answers_the_first_run(api: APIClient, make: Make, how: str) -> None:
    make()

    def run(inputs: dict[str, Any]) -> Any:
        if how == "body":
            return post(api, "/greet/run", {"inputs": inputs, "idempotency_key": "k"})
        return post(api, "/greet/run", {"inputs": inputs}, **{how: "k"})

    first, again, other = run({}), run({}), run({"who": "Eve"})

    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert first.json()["workflow_run_id"] == again.json()["workflow_run_id"] == other.json()["existing_run_id"]
    assert WorkflowRun.objects.for_tenant("acme").count() == 1


def test_a_repeated_key_means_the_same_run_after_the_template_changed(api: APIClient, make: Make) -> None:
    make()
    first = post(api, "/greet/run", {"idempotency_key": "k"}).json()
    schema = {"type": "object", "properties": {"who": {"type": "string", "default": "else"}}}
    api.patch(f"{URL}/greet", {"workflow_definition": saying("x"), "input_schema": schema}, format="json")
    api.patch(f"{URL}/greet", {"enabled": False}, format="json")
    again = post(api, "/greet/run", {"idempotency_key": "k"})

    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert again.json()["workflow_run_id"] == first["workflow_run_id"]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"times": 0}, "inputs.times"),
        ({"times": "many"}, "inputs.times"),
        ({"extra": 1}, "inputs.extra"),
        ([], "inputs"),
        ("x", "inputs"),
        (None, "inputs"),
    ],
)
def test_inputs_that_do_not_fit_start_nothing(
    api: APIClient, template: WorkflowTemplate, inputs: Any, field: str
) -> None:
    answer = post(api, "/greet/run", {"inputs": inputs})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not WorkflowRun.objects.for_tenant("acme").exists()


def test_running_refuses_unknown_fields_and_two_words_for_inputs(api: APIClient, template: WorkflowTemplate) -> None:
    assert post(api, "/greet/run", {"parameters": {}}).json()["errors"][0]["field"] == "parameters"
    assert post(api, "/greet/run", {"inputs": {}, "input": {}}).status_code == 422


def test_a_disabled_template_starts_nothing(api: APIClient, make: Make) -> None:
    make(enabled=False)

    assert post(api, "/greet/run", {}).status_code == 409


def test_a_row_written_by_sql_runs(api: APIClient, tenant: Tenant) -> None:
    made, _warnings = create_template(tenant, {"name": "source", "workflow_definition": saying("x")})
    WorkflowTemplate.objects.for_tenant(tenant).bulk_create(
        [WorkflowTemplate(name="by-sql", workflow_definition=made.workflow_definition)]
    )
    answer = post(api, "/by-sql/run", {})

    assert (answer.status_code, answer.json()["version"]) == (202, 1)
    assert [it["number"] for it in api.get(f"{URL}/by-sql/versions").json()["versions"]] == [1]


@pytest.mark.postgres
def test_a_row_inserted_by_sql_needs_only_the_columns_of_the_request(api: APIClient, tenant: Tenant) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflow_templates (tenant_id, name, workflow_definition) VALUES ('acme', 'by-sql', %s)",
            [json.dumps(saying("x"))],
        )
    assert post(api, "/by-sql/run", {}).status_code == 202
