"""What two people do to a template at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from highway_automation.base.errors import HighwayError
from runs_app.models import WorkflowRun
from templates_app.actions import create_template, run_template, update_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from tests.templates.conftest import saying

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(call: Callable[[int], Any], times: int = 6) -> list[Any]:
    """The results of these calls made together; a refusal counts by its class name."""

    def one(number: int) -> Any:
        try:
            return call(number)
        except HighwayError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_every_change_gets_a_version_of_its_own(template: WorkflowTemplate) -> None:
    changed = at_once(lambda n: update_template(template, {"workflow_definition": saying(f"{n}")})[0].version)

    assert sorted(changed) == [2, 3, 4, 5, 6, 7]
    template.refresh_from_db()
    last = template.versions.order_by("-number").first()
    assert last is not None
    assert (template.version, template.definition_id) == (last.number, last.definition_id)


def test_of_several_new_templates_of_one_name_one_is_made(tenant: Tenant) -> None:
    made = at_once(lambda n: create_template(tenant, {"name": "one", "workflow_definition": saying()})[0].name)

    assert sorted(made) == ["Conflict"] * 5 + ["one"]


def test_a_key_sent_several_times_at_once_is_one_run(template: WorkflowTemplate) -> None:
    runs = at_once(lambda n: run_template(template, {}, idempotency_key="k")[0].pk)

    assert len(set(runs)) == 1
    assert WorkflowRun.objects.for_tenant("acme").count() == 1
