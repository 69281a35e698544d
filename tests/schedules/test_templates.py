from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from highway_automation.base.errors import Conflict
from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from templates_app.actions import create_template, delete_template, set_enabled, update_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db
URL = "/api/v1/schedules"
SCHEMA = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "times": {"type": "integer", "default": 3}},
    "required": ["email"],
    "additionalProperties": False,
}


@pytest.fixture
def template(tenant: Tenant) -> WorkflowTemplate:
    values = {"name": "report.v1-a", "workflow_definition": DEFINITION, "input_schema": SCHEMA}
    return create_template(tenant, values)[0]


def post(api: APIClient, **body: Any) -> Any:
    return api.post(URL, {"cron_expression": "* * * * *", **body}, format="json")


def test_a_run_gets_the_inputs_of_the_schema_and_the_interval(template: WorkflowTemplate, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    make(template=template, inputs={"email": "of-${schedule.date}@example.com"})

    at("2026-11-23T10:01:00")
    fire_due()

    run = WorkflowRun.objects.all_tenants().get()
    assert (run.workflow_name, run.template_version) == ("report.v1-a", 1)
    assert run.inputs == {
        "email": "of-2026-11-23@example.com",
        "times": 3,
        "data_interval_start": "2026-11-23T10:00:00+00:00",
        "data_interval_end": "2026-11-23T10:01:00+00:00",
    }


def test_the_current_version_runs_unless_one_is_pinned(template: WorkflowTemplate, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    inputs = {"email": "a@example.com"}
    make(template=template, inputs=inputs, name="current")
    make(template=template, inputs=inputs, name="pinned", template_version=1)
    update_template(template, {"workflow_definition": {**DEFINITION, "version": "2.0.0"}})

    at("2026-11-23T10:01:00")
    fire_due()

    versions = WorkflowRun.objects.all_tenants().values_list("template_version", "definition__version")
    assert sorted(versions) == [(1, "1.0.0"), (2, "2.0.0")]


def test_what_keeps_a_template_from_running_is_in_the_ledger(
    template: WorkflowTemplate, make: Make, at: At, tenant: Tenant
) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(template=template, inputs={"email": "a@example.com"}, overlap="allow_all")
    steps: list[tuple[Callable[[], Any], str]] = [
        (lambda: set_enabled(template, False), "Template report.v1-a is disabled."),
        (lambda: set_enabled(template, True), ""),
        (lambda: update_template(template, {"input_schema": {**SCHEMA, "required": ["email", "topic"]}}), "topic"),
    ]
    for minute, (change, reason) in enumerate(steps, 1):
        change()
        at(f"2026-11-23T10:0{minute}:00")
        fire_due()
        tick = ScheduleTick.objects.all_tenants().latest("scheduled_for")
        assert reason in tick.reason
    assert [outcome for _, outcome in ledger(schedule)] == ["failed_to_submit", "submitted", "failed_to_submit"]
    schedule.refresh_from_db()
    assert schedule.enabled and "topic" in schedule.last_error


def test_a_template_in_use_is_not_deleted(template: WorkflowTemplate, make: Make) -> None:
    make(template=template, inputs={"email": "a@example.com"}, name="nightly")
    with pytest.raises(Conflict, match="report.v1-a is in use by schedule nightly"):
        delete_template(template)


@pytest.mark.parametrize("key", ["template", "template_id", "workflow_name"])
def test_the_api_takes_a_template_by_name_or_id(api: APIClient, template: WorkflowTemplate, key: str) -> None:
    named = str(template.pk) if key == "template_id" else template.name
    answer = post(api, inputs={"email": "a@example.com"}, **{key: named})
    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["template"], body["template_id"], body["workflow_name"]) == (
        template.name,
        str(template.pk),
        body["name"],
    )


def test_another_tenants_template_is_as_unknown_as_none(foreign_api: APIClient, template: WorkflowTemplate) -> None:
    for key, ours, none in (
        ("template", template.name, "no.such"),
        ("template_id", str(template.pk), "0199d1f8-0000-7000-8000-000000000000"),
        ("workflow_name", template.name, "no.such"),
    ):
        answers = [post(foreign_api, **{key: named}) for named in (ours, none)]
        assert [answer.status_code for answer in answers] == [422, 422]
        told = [str(answer.json()).replace(named, "X") for answer, named in zip(answers, (ours, none), strict=True)]
        assert told[0] == told[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": {}}, "inputs.email"),
        ({"inputs": {"email": 5}}, "inputs.email"),
        ({"inputs": {"email": "a", "colour": "red"}}, "inputs"),
        ({"inputs": {"email": "a"}, "template_version": 7}, "template_version"),
        ({"inputs": {"email": "a"}, "workflow_definition": DEFINITION}, "template"),
    ],
)
def test_what_the_template_would_refuse_is_refused_at_save(
    api: APIClient, template: WorkflowTemplate, body: dict[str, Any], field: str
) -> None:
    answer = post(api, template=template.name, **body)
    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()


def test_put_moves_from_a_template_to_a_definition_and_back(api: APIClient, template: WorkflowTemplate) -> None:
    one = f"{URL}/{post(api, template=template.name, inputs={'email': 'a'}, template_version=1).json()['schedule_id']}"
    moved = api.put(one, {"workflow_definition": DEFINITION}, format="json").json()
    assert (moved["template"], moved["template_version"], moved["workflow_name"]) == (None, None, "probe")
    back = api.put(one, {"template": template.name}, format="json").json()
    assert (back["template"], back["workflow_definition"]) == (template.name, None)
