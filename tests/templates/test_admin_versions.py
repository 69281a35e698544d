from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from templates_app.models import WorkflowTemplate
from tests.templates.conftest import saying
from tests.templates.pages import form_of, page, told

Make = Callable[..., WorkflowTemplate]


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
