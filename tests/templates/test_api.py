from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from runs_app.models import WorkflowName, WorkflowRun
from templates_app import usage
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.conftest import client_with_key
from tests.templates.conftest import SCHEMA, saying

Make = Callable[..., WorkflowTemplate]
URL = "/api/v1/templates"


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"{URL}{path}", body, format="json", headers=headers or None)


def test_a_template_is_created_and_read_back(api: APIClient) -> None:
    body = {
        "name": "greet",
        "description": "Says hello.",
        "workflow_definition": saying(),
        "input_schema": SCHEMA,
        "category": "notifications",
        "tags": ["hello", "demo"],
    }
    made = post(api, "", body)
    read = api.get(f"{URL}/greet")

    assert made.status_code == 201
    assert made.json() == {**read.json(), "warnings": []}
    assert {key: read.json()[key] for key in body} == body
    assert (read.json()["version"], read.json()["enabled"], read.json()["tenant_id"]) == (1, True, "acme")


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_endpoint_takes_a_name_with_dots_with_and_without_slash(api: APIClient, slash: str) -> None:
    base = f"{URL}/a.b-c"
    assert post(api, slash, {"name": "a.b-c", "workflow_definition": saying()}).status_code == 201
    assert api.get(f"{URL}{slash}").json()["templates"][0]["name"] == "a.b-c"
    assert api.get(f"{base}{slash}").status_code == 200
    changed = api.put(f"{base}{slash}", {"workflow_definition": saying("Bye")}, format="json")
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert api.patch(f"{base}{slash}", {"description": "x"}, format="json").json()["description"] == "x"
    assert api.post(f"{base}/run{slash}", {"inputs": {"who": "Ada"}}, format="json").status_code == 202
    assert [it["number"] for it in api.get(f"{base}/versions{slash}").json()["versions"]] == [2, 1]
    assert api.get(f"{base}/versions/1{slash}").json()["workflow_definition"] == saying()
    assert api.post(f"{base}/validate{slash}", {"inputs": {}}, format="json").json()["valid"] is True
    assert api.post(f"{base}/rollback{slash}", {"version": 1}, format="json").json()["version"] == 3
    assert api.delete(f"{base}{slash}").status_code == 204
    assert api.get(f"{base}{slash}").status_code == 404


@pytest.mark.parametrize(
    "name", ["Greet", "1st", "with space", "a/b", "", "ä", "a" * 256, "validate", "new", "a\nb", ".a", "a\x00"]
)
def test_a_name_that_is_none_is_refused(api: APIClient, name: str) -> None:
    answer = post(api, "", {"name": name, "workflow_definition": saying()})

    assert answer.status_code in (400, 422)
    assert not WorkflowTemplate.objects.all_tenants().exists()


def test_everything_wrong_is_told_at_once_with_its_place(api: APIClient) -> None:
    definition = saying()
    definition["tasks"]["say"]["dependencies"] = ["nobody"]
    body = {
        "name": "greet",
        "workflow_definition": definition,
        "input_schema": {"type": "strange"},
        "tags": ["x" * 100],
    }
    answer = post(api, "", body)

    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert any(field.startswith("workflow_definition.tasks.say.dependencies") for field in fields), fields
    assert any(field.startswith("input_schema.type") for field in fields), fields


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "greet"}, "workflow_definition"),
        ({"workflow_definition": saying()}, "name"),
        ({"name": "greet", "workflow_definition": saying(), "colour": "red"}, "colour"),
        ({"name": "greet", "workflow_definition": "text"}, "workflow_definition"),
        ({"name": "greet", "workflow_definition": None}, "workflow_definition"),
        ({"name": "greet", "workflow_definition": {}}, "workflow_definition"),
        ({"name": "greet", "workflow_definition": saying(), "tags": "a"}, "tags"),
        ({"name": "greet", "workflow_definition": saying(), "tags": [1, [2]]}, "tags.1"),
        ({"name": "greet", "workflow_definition": saying(), "input_schema": []}, "input_schema"),
        ({"name": "greet", "workflow_definition": saying(), "enabled": "perhaps"}, "enabled"),
    ],
)
def test_a_wrong_body_is_422_naming_the_field(api: APIClient, body: dict[str, Any], field: str) -> None:
    answer = post(api, "", body)

    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()
    assert not WorkflowTemplate.objects.all_tenants().exists()


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "3", "{", "[" * 50_000])
def test_a_body_that_is_no_object_is_refused(api: APIClient, template: WorkflowTemplate, body: str) -> None:
    for path in ("", "/greet/run", "/validate", "/greet/validate", "/greet/rollback"):
        answer = api.post(f"{URL}{path}", body, content_type="application/json")
        assert answer.status_code in (400, 422), (path, answer.content)
    assert api.put(f"{URL}/greet", body, content_type="application/json").status_code in (400, 422)


def test_a_taken_name_is_409(api: APIClient, template: WorkflowTemplate) -> None:
    assert post(api, "", {"name": "greet", "workflow_definition": saying()}).status_code == 409


def test_the_same_name_is_free_for_another_tenant(foreign_api: APIClient, template: WorkflowTemplate) -> None:
    assert post(foreign_api, "", {"name": "greet", "workflow_definition": saying()}).status_code == 201


def test_someone_elses_template_is_as_unknown_as_none(foreign_api: APIClient, template: WorkflowTemplate) -> None:
    for name in ("greet", "nothing"):
        answers = [
            foreign_api.get(f"{URL}/{name}"),
            foreign_api.put(f"{URL}/{name}", {"workflow_definition": saying()}, format="json"),
            foreign_api.patch(f"{URL}/{name}", {}, format="json"),
            foreign_api.delete(f"{URL}/{name}"),
            post(foreign_api, f"/{name}/run", {}),
            foreign_api.get(f"{URL}/{name}/versions"),
            foreign_api.get(f"{URL}/{name}/versions/1"),
            post(foreign_api, f"/{name}/rollback", {"version": 1}),
            post(foreign_api, f"/{name}/validate", {}),
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert foreign_api.get(URL).json()["total"] == 0


def test_put_leaves_alone_what_it_does_not_name_and_refuses_another_name(api: APIClient, make: Make) -> None:
    make(description="old", tags=["t"])
    put = api.put(f"{URL}/greet", {"name": "greet", "workflow_definition": saying("Bye")}, format="json")
    renamed = api.put(f"{URL}/greet", {"name": "other", "workflow_definition": saying()}, format="json")

    assert (put.json()["description"], put.json()["tags"]) == ("old", ["t"])
    assert renamed.status_code == 400
    for nothing in ({"name": "greet"}, {}):
        kept = api.put(f"{URL}/greet", nothing, format="json")
        assert (kept.status_code, kept.json()["version"]) == (200, 2)
        assert kept.json()["workflow_definition"] == saying("Bye")
    assert api.get(f"{URL}/other").status_code == 404


def test_what_was_read_can_be_changed_and_sent_back(api: APIClient, template: WorkflowTemplate) -> None:
    read = api.get(f"{URL}/greet").json()
    answer = api.put(f"{URL}/greet", {**read, "description": "sent back", "warnings": []}, format="json")

    assert (answer.status_code, answer.json()["description"], answer.json()["version"]) == (200, "sent back", 1)


def test_warnings_of_the_definition_are_answered(api: APIClient) -> None:
    definition = saying()
    definition["tasks"]["say"]["function"] = "tools.unheard.of"
    body = {"name": "odd", "workflow_definition": definition}
    warned = [post(api, "", body).json()["warnings"], post(api, "/validate", {**body, "name": "x"}).json()["warnings"]]
    warned.append(api.put(f"{URL}/odd", {"workflow_definition": definition}, format="json").json()["warnings"])

    for warnings in warned:
        assert any("tools.unheard.of" in warning["message"] for warning in warnings)


def test_a_stale_change_is_refused(api: APIClient, template: WorkflowTemplate) -> None:
    first = api.get(f"{URL}/greet")
    again = api.get(f"{URL}/greet", headers={"If-None-Match": first["ETag"]})
    changed = api.patch(f"{URL}/greet", {"description": "1"}, format="json", headers={"If-Match": first["ETag"]})
    stale = api.patch(f"{URL}/greet", {"description": "2"}, format="json", headers={"If-Match": first["ETag"]})
    gone = api.delete(f"{URL}/greet", headers={"If-Match": first["ETag"]})

    assert (again.status_code, changed.status_code, stale.status_code, gone.status_code) == (304, 200, 412, 412)
    assert changed["ETag"] == api.get(f"{URL}/greet")["ETag"] != first["ETag"]


def test_lists_filter_search_order_and_page(api: APIClient, make: Make) -> None:
    make("alpha", category="etl", tags=["nightly", "eu"])
    make("beta", category="etl", tags=["night"], enabled=False, description="Finds NEEDLES")
    make("gamma", category="ops", tags=[])

    def names(query: str) -> list[str]:
        return [item["name"] for item in api.get(f"{URL}?{query}").json()["templates"]]

    assert names("") == ["alpha", "beta", "gamma"]
    assert names("category=etl") == ["alpha", "beta"]
    assert names("tag=nightly") == ["alpha"]
    assert names("tag=night%25") == []
    assert names("enabled=false") == ["beta"]
    assert names("search=needle") == ["beta"]
    assert names("ordering=-name") == ["gamma", "beta", "alpha"]
    page = api.get(f"{URL}?page_size=2&page=2").json()
    assert (page["total"], page["page"], page["page_size"], page["next"]) == (3, 2, 2, None)
    assert [item["name"] for item in page["templates"]] == ["gamma"]


def test_a_list_takes_the_same_queries_however_long_it_is(
    api: APIClient, make: Make, django_assert_num_queries: Any, django_db_blocker: Any
) -> None:
    from django.db import connection

    make("t0")
    api.get(URL)
    with CaptureQueriesContext(connection) as one:
        api.get(URL)
    for number in range(1, 12):
        make(f"t{number}", workflow_definition=saying(f"{number}"))
    with django_assert_num_queries(len(one)):
        assert api.get(URL).json()["total"] == 12


def test_a_template_in_use_is_not_deleted(
    api: APIClient, template: WorkflowTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "_QUESTIONS", [lambda template: [f"schedule {template.name}-nightly"]])
    answer = api.delete(f"{URL}/greet")

    assert (answer.status_code, answer.json()["used_by"]) == (409, ["schedule greet-nightly"])
    assert "greet-nightly" in answer.json()["detail"]


def test_a_deleted_template_leaves_its_runs_and_frees_its_name(
    api: APIClient, template: WorkflowTemplate, drive: Callable[[], int]
) -> None:
    run = post(api, "/greet/run", {}).json()
    assert api.delete(f"{URL}/greet").status_code == 204
    drive()
    assert WorkflowRun.objects.for_tenant("acme").get(pk=run["workflow_run_id"]).status == "completed"
    assert not WorkflowName.objects.for_tenant("acme").filter(name="greet").exists()
    assert post(api, "", {"name": "greet", "workflow_definition": saying("new")}).json()["version"] == 1
    assert WorkflowName.objects.for_tenant("acme").get(name="greet").definition.raw == saying("new")


ROLES = [
    ("viewer", [200, 403, 403, 403, 403, 200]),
    ("operator", [200, 403, 202, 403, 403, 200]),
    ("editor", [200, 201, 202, 200, 204, 200]),
]


@pytest.mark.parametrize(("role", "codes"), ROLES)
def test_each_role_may_do_its_verbs(tenant: Tenant, make: Make, role: str, codes: list[int]) -> None:
    make()
    make("spare")
    client = client_with_key(tenant, role)
    answers = [
        client.get(URL),
        post(client, "", {"name": "made", "workflow_definition": saying()}),
        post(client, "/greet/run", {}),
        client.patch(f"{URL}/greet", {"description": "x"}, format="json"),
        client.delete(f"{URL}/spare"),
        post(client, "/greet/validate", {}),
    ]
    assert [answer.status_code for answer in answers] == codes


def test_nobody_may_do_anything(template: WorkflowTemplate) -> None:
    client = APIClient()

    assert client.get(URL).status_code == 401
    assert post(client, "/greet/run", {}).status_code == 401


def test_unsafe_json_is_refused_and_nothing_is_written(api: APIClient) -> None:
    for text in (r"\u0000", r"\ud800"):
        body = f'{{"name": "n", "workflow_definition": {{"name": "n", "description": "{text}", "tasks": {{}}}}}}'
        assert api.post(URL, body, content_type="application/json").status_code == 400
    assert not WorkflowTemplate.objects.all_tenants().exists()
