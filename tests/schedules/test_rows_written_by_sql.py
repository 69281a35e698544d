from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due
from schedules_app.models import ScheduledWorkflow
from tenants_app.models import Tenant
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db


def as_sql_would_leave_it(schedule: ScheduledWorkflow, **columns: object) -> None:
    """Nothing that a verb computes: no next time, no stored definition."""
    rows = ScheduledWorkflow.objects.all_tenants().filter(pk=schedule.pk)
    rows.update(next_run_at=None, definition=None, **columns)


def test_a_row_without_a_next_time_is_planned_and_fires(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    as_sql_would_leave_it(schedule)

    assert fire_due() == datetime.fromisoformat("2026-11-23T10:01:00+00:00")
    at("2026-11-23T10:01:00")
    fire_due()

    assert ledger(schedule) == [("2026-11-23T10:01:00", "submitted")]
    assert WorkflowRun.objects.all_tenants().get().workflow_name == "probe"


def test_a_row_that_cannot_be_read_is_paused_and_says_why(make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule, broken = make(), make()
    as_sql_would_leave_it(schedule, cron_expression="@fortnightly")
    as_sql_would_leave_it(broken, workflow_definition={"name": "x"})

    fire_due()
    at("2026-11-23T10:01:00")
    fire_due()

    schedule.refresh_from_db()
    assert not schedule.enabled and "'@fortnightly' is not known" in schedule.pause_note
    assert [outcome for _, outcome in ledger(broken)] == ["failed_to_submit"]


@pytest.mark.postgres
def test_the_requests_own_columns_are_enough(tenant: Tenant, at: At) -> None:
    at("2026-11-23T10:00:30")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scheduled_workflows (tenant_id, name, cron_expression, workflow_definition)"
            " VALUES (%s, %s, %s, %s), (%s, %s, %s, %s)",
            [*(tenant.pk, "a", "0 3 * * *", json.dumps(DEFINITION)), *(tenant.pk, "b", "x", json.dumps(DEFINITION))],
        )
    fire_due()

    good, bad = ScheduledWorkflow.objects.for_tenant(tenant).order_by("name")
    assert good.enabled and good.next_run_at == datetime.fromisoformat("2026-11-24T03:00:00+00:00")
    assert (good.overlap, good.catch_up, good.timezone, good.inputs) == ("skip", "latest", "UTC", {})
    assert not bad.enabled and good.pk != bad.pk
