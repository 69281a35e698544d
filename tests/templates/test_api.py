from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from runs_app.models import WorkflowName, WorkflowRun
from templates_app import usage
from templates_app.actions import create_template
from templates_app.models import TemplateVersion, WorkflowTemplate
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


def test_a_row_written_by_sql_runs(api: APIClient, tenant: Tenant) -> None:
    made, _warnings = create_template(tenant, {"name": "source", "workflow_definition": saying("x")})
    WorkflowTemplate.objects.for_tenant(tenant).bulk_create(
        [WorkflowTemplate(name="by-sql", workflow_definition=made.workflow_definition)]
    )
    answer = post(api, "/by-sql/run", {})

    assert (answer.status_code, answer.json()["version"]) == (202, 1)
    assert [it["number"] for it in api.get(f"{URL}/by-sql/versions").json()["versions"]] == [1]


def test_unsafe_json_is_refused_and_nothing_is_written(api: APIClient) -> None:
    for text in (r"\u0000", r"\ud800"):
        body = f'{{"name": "n", "workflow_definition": {{"name": "n", "description": "{text}", "tasks": {{}}}}}}'
        assert api.post(URL, body, content_type="application/json").status_code == 400
    assert not WorkflowTemplate.objects.all_tenants().exists()


@pytest.mark.postgres
def test_a_row_inserted_by_sql_needs_only_the_columns_of_the_request(api: APIClient, tenant: Tenant) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflow_templates (tenant_id, name, workflow_definition) VALUES ('acme', 'by-sql', %s)",
            [json.dumps(saying("x"))],
        )
    assert post(api, "/by-sql/run", {}).status_code == 202
