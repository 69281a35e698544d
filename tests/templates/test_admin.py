from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs_app.models import WorkflowRun
from templates_app import usage
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.models import Tenant, User
from tests.conftest import member
from tests.templates.conftest import SCHEMA, saying

Make = Callable[..., WorkflowTemplate]
LIST = "/admin/templates_app/workflowtemplate/"


def signed_in(user: User) -> Client:
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def editor(tenant: Tenant) -> Client:
    return signed_in(member("eve", tenant, "editor"))


def page(template: WorkflowTemplate, rest: str = "change/") -> str:
    return f"{LIST}{template.pk}/{rest}"


def form_of(template: WorkflowTemplate | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser would send."""
    values: dict[str, Any] = {
        "name": "greet",
        "description": "",
        "category": "",
        "tags": "",
        "enabled": "on",
        "workflow_definition": json.dumps(saying()),
        "input_schema": json.dumps(SCHEMA),
        "comment": "",
    }
    if template is not None:
        count = template.versions.count()
        values |= {"versions-TOTAL_FORMS": count, "versions-INITIAL_FORMS": count}
        values |= {
            f"versions-{index}-version_id": str(row.pk)
            for index, row in enumerate(template.versions.order_by("-number"))
        }
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


def told(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


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


@pytest.mark.parametrize("count", ["", "x", "-1", "9" * 21, None])
def test_what_is_posted_of_the_versions_below_does_not_matter(
    editor: Client, template: WorkflowTemplate, count: str | None
) -> None:
    tampered = {f"versions-{name}_FORMS": count for name in ("INITIAL", "TOTAL")}
    tampered |= {"versions-0-number": "7", "versions-0-version_id": "x", "versions-0-DELETE": "on"}

    assert editor.post(page(template), form_of(template, description="new", **tampered)).status_code == 302
    refused = editor.post(page(template), form_of(template, workflow_definition="{", **tampered))
    assert refused.status_code == 200
    template.refresh_from_db()
    assert (template.description, [row.number for row in template.versions.all()]) == ("new", [1])


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


def test_the_versions_are_read_only_with_their_differences(editor: Client, make: Make) -> None:
    template = make()
    editor.post(page(template), form_of(template, workflow_definition=json.dumps(saying("Bye"))))
    first = template.versions.get(number=1)
    url = f"/admin/templates_app/templateversion/{first.pk}/change/"
    html = editor.get(url).content.decode()

    assert "+        &quot;message&quot;: &quot;Bye&quot;" in html
    assert "-        &quot;message&quot;: &quot;Hello {{inputs.who}}&quot;" in html
    assert editor.post(url, {"number": 9}).status_code == 403
    assert editor.get("/admin/templates_app/templateversion/").status_code == 200


def test_rolling_back_is_a_post(editor: Client, make: Make) -> None:
    template = make()
    editor.post(page(template), form_of(template, workflow_definition=json.dumps(saying("Bye"))))
    url = page(template, "rollback/1/")
    assert f'formaction="{url}"' in editor.get(page(template)).content.decode()
    assert editor.get(url).status_code == 405
    template.refresh_from_db()
    assert template.version == 2
    answer = editor.post(url)
    template.refresh_from_db()

    assert (answer.status_code, template.version, template.workflow_definition) == (302, 3, saying())
    assert "Version 3 is what version 1 was." in told(answer)
    assert "already" in told(editor.post(url))


def test_run_is_a_form_of_the_schema_that_leads_to_the_run(editor: Client, template: WorkflowTemplate) -> None:
    offered = editor.post(page(template, "do/run/"))
    html = editor.get(offered.headers["Location"]).content.decode()
    assert 'name="inputs.who" value="world"' in html
    assert 'name="inputs.times"' in html
    assert not WorkflowRun.objects.all_tenants().exists()

    answer = editor.post(page(template, "run/"), {"inputs.who": "Ada", "inputs.times": "2", "once": "x"})
    run = WorkflowRun.objects.for_tenant("acme").get()
    assert run.inputs == {"who": "Ada", "times": 2}
    assert answer.headers["Location"] == reverse("admin:runs_app_workflowrun_change", args=[run.pk])
    assert str(run.pk) in told(answer)
    assert run.actor is not None and run.actor.email == "eve@example.com"


def test_a_second_click_is_the_same_run_and_other_inputs_are_another(
    editor: Client, template: WorkflowTemplate
) -> None:
    sent = {"inputs.who": "Ada", "once": "x"}
    first, again = editor.post(page(template, "run/"), sent), editor.post(page(template, "run/"), sent)
    other = editor.post(page(template, "run/"), {**sent, "inputs.who": "Eve"})

    assert first.headers["Location"] == again.headers["Location"] != other.headers["Location"]
    assert WorkflowRun.objects.for_tenant("acme").count() == 2


def test_inputs_that_do_not_fit_are_told_at_their_field(editor: Client, template: WorkflowTemplate) -> None:
    answer = editor.post(page(template, "run/"), {"inputs.who": "Ada", "inputs.times": "0"})
    html = answer.content.decode()

    assert answer.status_code == 200
    assert "less than the minimum" in html.split('name="inputs.times"')[1]
    assert 'value="Ada"' in html
    assert not WorkflowRun.objects.all_tenants().exists()


KINDS = {
    "type": "object",
    "$defs": {"colour": {"enum": ["red", "blue"], "type": "string"}, "place": {"type": "object"}},
    "properties": {
        "text": {"type": "string", "title": "A text", "description": "Say something."},
        "long": {"type": "string", "maxLength": 5000},
        "mail": {"type": "string", "format": "email"},
        "day": {"type": "string", "format": "date"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "sure": {"type": "boolean", "default": True},
        "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "colour": {"$ref": "#/$defs/colour", "default": "blue"},
        "level": {"enum": [1, 2, "many"]},
        "place": {"allOf": [{"$ref": "#/$defs/place"}]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "list": {"type": "array", "items": {"type": "integer"}},
    },
    "additionalProperties": False,
}
SENT = {
    "text": " spaced ",
    "long": "many\r\nlines",
    "mail": "a@b.ch",
    "day": "2026-02-03",
    "count": "3",
    "ratio": "2.5",
    "maybe": "false",
    "colour": '"red"',
    "level": "2",
    "place": '{"city": "Bern"}',
    "either": "7",
    "list": "[1, 2]",
}


def test_every_kind_of_input_has_its_field(editor: Client, make: Make) -> None:
    template = make("kinds", input_schema=KINDS, workflow_definition=saying("x"))
    html = editor.get(page(template, "run/")).content.decode()

    def tag(name: str) -> str:
        found = re.search(rf'<(?:input|select|textarea)[^>]*name="inputs\.{name}"[^>]*>', html)
        return found[0] if found else ""

    types = {"text": "text", "mail": "email", "day": "date", "count": "number", "sure": "checkbox"}
    assert {name: f'type="{kind}"' in tag(name) for name, kind in types.items()} == dict.fromkeys(types, True)
    assert all(tag(name).startswith("<textarea") for name in ("long", "place", "either", "list"))
    assert all(tag(name).startswith("<select") for name in ("maybe", "colour", "level"))
    assert "checked" in tag("sure")
    assert "A text" in html and "Say something." in html

    editor.post(page(template, "run/"), {f"inputs.{name}": value for name, value in SENT.items()})
    assert WorkflowRun.objects.for_tenant("acme").get().inputs == {
        "text": " spaced ",
        "long": "many\nlines",
        "mail": "a@b.ch",
        "day": "2026-02-03",
        "count": 3,
        "ratio": 2.5,
        "sure": False,
        "maybe": False,
        "colour": "red",
        "level": 2,
        "place": {"city": "Bern"},
        "either": 7,
        "list": [1, 2],
    }


def test_empty_fields_take_the_defaults(editor: Client, make: Make) -> None:
    template = make("kinds", input_schema=KINDS, workflow_definition=saying("x"))
    editor.post(page(template, "run/"), dict.fromkeys((f"inputs.{name}" for name in SENT), ""))

    assert WorkflowRun.objects.for_tenant("acme").get().inputs == {"sure": False, "colour": "blue"}


@pytest.mark.parametrize("schema", [None, {"type": "object"}, {"properties": {"who": {"type": "string"}}}])
def test_inputs_beyond_the_schema_are_given_as_json(editor: Client, make: Make, schema: Any) -> None:
    template = make("open", input_schema=schema)
    editor.post(page(template, "run/"), {"inputs": '{"who": "Ada", "more": [1]}'})
    assert WorkflowRun.objects.for_tenant("acme").get().inputs == {"who": "Ada", "more": [1]}
    for wrong in ("{", "[1]", '"\\u0000"'):
        assert editor.post(page(template, "run/"), {"inputs": wrong}).status_code == 200
    assert WorkflowRun.objects.for_tenant("acme").count() == 1


def test_a_form_of_a_strange_schema_still_opens(editor: Client, make: Make) -> None:
    names = {
        "a b": {},
        '"><script>': {"title": "<b>x</b>"},
        "": {"type": ["string", "null"]},
        "ä.b": {"type": "number"},
    }
    template = make("odd", input_schema={"$ref": "#/$defs/x", "$defs": {"x": {"properties": names}}})
    html = editor.get(page(template, "run/")).content.decode()

    assert "<script>" not in html.split("<form")[-1]
    assert "<b>x</b>" not in html
    answer = editor.post(page(template, "run/"), {'inputs."><script>': "1", "inputs.ä.b": "2.0"})
    assert answer.status_code == 302
    assert WorkflowRun.objects.for_tenant("acme").get().inputs == {'"><script>': 1, "ä.b": 2}


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
