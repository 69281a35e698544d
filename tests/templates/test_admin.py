from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.models import WorkflowRun
from templates_app import usage
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.models import Tenant, User
from tests.conftest import member
from tests.templates.conftest import SCHEMA, saying
from tests.templates.pages import LIST, form_of, page, signed_in, told

Make = Callable[..., WorkflowTemplate]


def test_a_template_is_added_changed_and_deleted(editor: Client, tenant: Tenant) -> None:
    added = editor.post(f"{LIST}add/", form_of(tags="a, b", category="etl"))
    template = WorkflowTemplate.objects.for_tenant(tenant).get()
    assert added.status_code == 302
    assert (template.name, template.tags, template.category, template.version) == ("greet", ["a", "b"], "etl", 1)
    assert template.versions.get().author.email == "eve@example.com"  # type: ignore[union-attr]

    change = form_of(template, workflow_definition=json.dumps(saying("Bye")), comment="Shorter.", tags="a, b")
    assert editor.post(page(template), change).status_code == 302
    template.refresh_from_db()
    assert (template.version, template.workflow_definition, template.input_schema) == (2, saying("Bye"), SCHEMA)
    assert template.versions.get(number=2).comment == "Shorter."

    same = form_of(template, workflow_definition=json.dumps(saying("Bye")), tags="a, b", enabled=None)
    assert editor.post(page(template), same).status_code == 302
    template.refresh_from_db()
    assert (template.version, template.enabled) == (2, False)

    assert editor.post(page(template, "delete/"), {"post": "yes"}).status_code == 302
    assert not WorkflowTemplate.objects.for_tenant(tenant).exists()


def test_the_pages_show_json_as_people_read_it(editor: Client, template: WorkflowTemplate) -> None:
    html = editor.get(page(template)).content.decode()

    assert "&quot;operator_type&quot;: &quot;task&quot;" in html
    assert 'name="name"' not in html
    assert ">v1</a>" in html
    assert editor.get(LIST).status_code == 200
    assert editor.get(f"{LIST}add/").status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"workflow_definition": "{"}, "Not JSON"),
        ({"workflow_definition": '"\\u0000"'}, "NUL"),
        ({"workflow_definition": "[" * 3000}, "nested deeper"),
        ({"workflow_definition": '{"name": "x", "tasks": {"a": {"operator_type": "nothing"}}}'}, "tasks.a"),
        ({"input_schema": '{"type": "strange"}'}, "type: "),
        ({"input_schema": '{"$ref": "http://127.0.0.1/x"}'}, "Only references within the schema"),
        ({"name": "Bad Name"}, "small letter"),
        ({"name": "taken"}, "There is a template named taken already"),
        ({"tags": "x" * 200}, "at most 50 texts"),
    ],
)
def test_what_is_wrong_is_shown_and_nothing_is_saved(
    editor: Client, make: Make, change: dict[str, Any], words: str
) -> None:
    make("taken")
    answer = editor.post(f"{LIST}add/", form_of(description="typed text", **change))
    html = answer.content.decode()

    assert answer.status_code == 200
    assert words in html.replace("&quot;", '"').replace("&#x27;", "'")
    assert "typed text" in html
    assert WorkflowTemplate.objects.all_tenants().count() == 1


def test_warnings_are_shown_after_saving(editor: Client, tenant: Tenant) -> None:
    odd = saying()
    odd["tasks"]["say"]["function"] = "tools.unheard.of"
    answer = editor.post(f"{LIST}add/", form_of(workflow_definition=json.dumps(odd)))

    assert "tools.unheard.of" in told(answer)


def test_a_template_in_use_is_not_deleted(
    editor: Client, template: WorkflowTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "_QUESTIONS", [lambda template: ["schedule nightly"]])
    one = editor.post(page(template, "delete/"), {"post": "yes"})
    assert "schedule nightly" in told(one)
    bulk = {"action": "delete_selected", "_selected_action": [str(template.pk)], "post": "yes"}
    assert "schedule nightly" in told(editor.post(LIST, bulk))
    assert WorkflowTemplate.objects.for_tenant("acme").exists()


def test_cloning_and_switching(editor: Client, make: Make) -> None:
    template = make("greet", tags=["t"])
    answer = editor.post(page(template, "do/clone/"))
    copy = WorkflowTemplate.objects.for_tenant("acme").get(name="greet-copy")
    assert answer.headers["Location"] == page(copy)
    assert (copy.enabled, copy.tags, copy.version, copy.workflow_definition) == (False, ["t"], 1, saying())
    editor.post(page(template, "do/clone/"))
    assert WorkflowTemplate.objects.for_tenant("acme").filter(name="greet-copy-2").exists()

    editor.post(page(copy, "do/enable/"))
    editor.post(page(template, "do/disable/"))
    assert [row.enabled for row in WorkflowTemplate.objects.for_tenant("acme").order_by("name")] == [False, True, False]
    everything = [str(row.pk) for row in WorkflowTemplate.objects.for_tenant("acme")]
    bulk = editor.post(LIST, {"action": "disable_selected", "_selected_action": everything})
    assert "3 disabled." in told(bulk)
    editor.post(LIST, {"action": "enable_selected", "_selected_action": everything})
    assert WorkflowTemplate.objects.for_tenant("acme").filter(enabled=True).count() == 3


def test_a_get_changes_nothing(editor: Client, make: Make) -> None:
    template = make()
    for action in ("run", "clone", "enable", "disable"):
        assert editor.get(page(template, f"do/{action}/")).status_code == 405
    assert editor.get(page(template, "run/") + "?inputs.who=x").status_code == 200
    assert WorkflowTemplate.objects.all_tenants().count() == TemplateVersion.objects.all_tenants().count() == 1
    assert not WorkflowRun.objects.all_tenants().exists()


def test_a_disabled_template_is_not_run(editor: Client, make: Make) -> None:
    template = make(enabled=False)
    answer = editor.post(page(template, "run/"), {})

    assert "is disabled" in answer.content.decode()
    assert "do/run/" not in editor.get(page(template)).content.decode()


def test_each_role_may_do_its_verbs(tenant: Tenant, template: WorkflowTemplate) -> None:
    viewer, operator = (signed_in(member(role, tenant, role)) for role in ("viewer", "operator"))
    assert viewer.get(page(template)).status_code == operator.get(page(template)).status_code == 200
    assert [viewer.get(page(template, "run/")).status_code, operator.get(page(template, "run/")).status_code] == [
        403,
        200,
    ]
    assert operator.post(page(template, "run/"), {}).status_code == 302
    for client in (viewer, operator):
        refused = [
            client.post(page(template), form_of(template, description="x")),
            client.post(page(template, "do/clone/")),
            client.post(page(template, "rollback/1/")),
            client.post(page(template, "delete/"), {"post": "yes"}),
            client.post(f"{LIST}add/", form_of(name="new")),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
    template.refresh_from_db()
    assert (template.description, WorkflowTemplate.objects.all_tenants().count()) == ("", 1)


def test_someone_elses_template_does_not_exist(mallory: User, template: WorkflowTemplate) -> None:
    client = signed_in(mallory)
    version = template.versions.get()
    answers = [client.get(page(template, rest)) for rest in ("change/", "run/", "delete/", "history/")]
    answers += [client.post(page(template, rest)) for rest in ("run/", "do/clone/", "rollback/1/", "do/disable/")]
    answers.append(client.get(f"/admin/templates_app/templateversion/{version.pk}/change/"))

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert "greet" not in client.get(LIST).content.decode().split("<main")[-1]
    bulk = client.post(LIST, {"action": "disable_selected", "_selected_action": [str(template.pk)]})
    template.refresh_from_db()
    assert (bulk.status_code, template.enabled) == (302, True)


def test_a_list_takes_the_same_queries_however_long_it_is(
    editor: Client, make: Make, django_assert_num_queries: Any
) -> None:
    from django.db import connection

    make("t0")
    editor.get(LIST)
    with CaptureQueriesContext(connection) as one:
        editor.get(LIST)
    for number in range(1, 9):
        make(f"t{number}", workflow_definition=saying(str(number)))
    with django_assert_num_queries(len(one)):
        editor.get(LIST)
