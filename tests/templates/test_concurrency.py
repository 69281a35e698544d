"""What two people do to a template at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from runs_app.models import WorkflowRun
from templates_app.actions import create_template, run_template, update_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.templates.conftest import saying
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def six(call: Callable[[int], Any]) -> list[Any]:
    return at_once(*[partial(call, number) for number in range(6)])


def test_every_change_gets_a_version_of_its_own(template: WorkflowTemplate) -> None:
    changed = six(lambda n: update_template(template, {"workflow_definition": saying(f"{n}")})[0].version)

    assert sorted(changed) == [2, 3, 4, 5, 6, 7]
    template.refresh_from_db()
    last = template.versions.order_by("-number").first()
    assert last is not None
    assert (template.version, template.definition_id) == (last.number, last.definition_id)


def test_of_several_new_templates_of_one_name_one_is_made(tenant: Tenant) -> None:
    made = six(lambda n: create_template(tenant, {"name": "one", "workflow_definition": saying()})[0].name)

    assert sorted(made) == ["Conflict"] * 5 + ["one"]


def test_a_key_sent_several_times_at_once_is_one_run(template: WorkflowTemplate) -> None:
    runs = six(lambda n: run_template(template, {}, idempotency_key="k")[0].pk)

    assert len(set(runs)) == 1
    assert WorkflowRun.objects.for_tenant("acme").count() == 1
