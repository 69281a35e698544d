from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from runs_app.models import WorkflowRun
from templates_app.models import WorkflowTemplate
from tests.templates.conftest import saying
from tests.templates.pages import page, told

Make = Callable[..., WorkflowTemplate]


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
