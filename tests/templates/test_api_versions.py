from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from runs_app.models import WorkflowName, WorkflowRun
from templates_app.models import TemplateVersion, WorkflowTemplate
from tests.templates.conftest import SCHEMA, saying

Make = Callable[..., WorkflowTemplate]
URL = "/api/v1/templates"


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"{URL}{path}", body, format="json", headers=headers or None)


def test_a_new_definition_or_schema_is_a_new_version_and_nothing_else_is(api: APIClient, make: Make) -> None:
    make()
    for change, version in [
        ({"description": "new"}, 1),
        ({"workflow_definition": saying()}, 1),
        ({"workflow_definition": saying("Bye")}, 2),
        ({"input_schema": None}, 3),
        ({"enabled": False, "category": "x", "tags": ["y"]}, 3),
    ]:
        assert api.patch(f"{URL}/greet", change, format="json").json()["version"] == version
    names = WorkflowName.objects.for_tenant("acme").filter(name="greet").order_by("version")
    assert [(row.version, row.definition.raw) for row in names] == [
        (1, saying()),
        (2, saying("Bye")),
        (3, saying("Bye")),
    ]


def test_a_change_touches_only_later_runs(api: APIClient, make: Make, drive: Callable[[], int]) -> None:
    make(workflow_definition=saying("one"), input_schema=None)
    early = post(api, "/greet/run", {}).json()
    api.patch(f"{URL}/greet", {"workflow_definition": saying("two")}, format="json")
    late = post(api, "/greet/run", {}).json()
    drive()
    runs = [WorkflowRun.objects.for_tenant("acme").get(pk=run["workflow_run_id"]) for run in (early, late)]

    assert [run.definition.raw["tasks"]["say"]["kwargs"]["message"] for run in runs] == ["one", "two"]
    assert [run.template_version for run in runs] == [1, 2]


def test_versions_say_who_and_why(api: APIClient, make: Make) -> None:
    make()
    api.put(f"{URL}/greet", {"workflow_definition": saying("Bye"), "comment": "Shorter."}, format="json")
    listed = api.get(f"{URL}/greet/versions").json()

    assert (listed["total"], listed["page"]) == (2, 1)
    assert [(it["number"], it["current"], it["comment"]) for it in listed["versions"]] == [
        (2, True, "Shorter."),
        (1, False, ""),
    ]
    assert api.get(f"{URL}/greet/versions/1").json()["input_schema"] == SCHEMA
    assert api.get(f"{URL}/greet/versions/9").status_code == 404
    assert api.get(f"{URL}/greet/versions/x").status_code == 404


def test_rolling_back_makes_a_new_version_of_the_old_content(api: APIClient, make: Make) -> None:
    make()
    api.patch(f"{URL}/greet", {"workflow_definition": saying("Bye"), "input_schema": None}, format="json")
    back = post(api, "/greet/rollback", {"version": 1})

    assert (back.status_code, back.json()["version"]) == (200, 3)
    assert (back.json()["workflow_definition"], back.json()["input_schema"]) == (saying(), SCHEMA)
    assert post(api, "/greet/rollback", {"version": 1}).status_code == 409
    assert post(api, "/greet/rollback", {"version": 8}).status_code == 404
    assert post(api, "/greet/rollback", {"version": "x"}).status_code == 422
    assert post(api, "/greet/rollback", {}).status_code == 422


def test_validating_saves_and_starts_nothing(api: APIClient, make: Make) -> None:
    make()
    broken = saying()
    broken["tasks"]["say"]["dependencies"] = ["say"]
    good = post(api, "/greet/validate", {"inputs": {}}).json()
    bad = post(api, "/greet/validate", {"inputs": {"times": 0}}).json()
    change = post(api, "/greet/validate", {"workflow_definition": broken}).json()
    new = post(api, "/validate", {"name": "n", "workflow_definition": broken}).json()

    assert (good["valid"], good["inputs"]) == (True, {"who": "world"})
    assert (bad["valid"], bad["errors"][0]["field"]) == (False, "inputs.times")
    assert (change["valid"], new["valid"]) == (False, False)
    assert WorkflowTemplate.objects.all_tenants().count() == 1
    assert TemplateVersion.objects.all_tenants().count() == 1
    assert not WorkflowRun.objects.all_tenants().exists()
