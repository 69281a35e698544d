from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from highway_automation.base import clock
from highway_automation.base.db import statement_time
from schedules_app.actions import create_schedule
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from tenants_app.models import Tenant

DEFINITION: dict[str, Any] = {
    "name": "probe",
    "version": "1.0.0",
    "start_task": "say",
    "tasks": {
        "say": {
            "task_id": "say",
            "operator_type": "task",
            "function": "tools.log.info",
            "kwargs": {"message": "for {{schedule.scheduled_for}} since {{ds}}"},
        }
    },
}


@pytest.fixture
def at() -> Callable[[str], datetime]:
    """`at("2026-03-29T00:59:30")` sets the business clock (UTC) and returns that moment."""

    def set_clock(text: str) -> datetime:
        moment = datetime.fromisoformat(f"{text}+00:00")
        offset = moment - statement_time()
        Path(settings.HIGHWAY_CLOCK_OFFSET_FILE).write_text(str(offset.total_seconds()))
        return moment

    return set_clock


@pytest.fixture
def pass_time() -> Callable[..., datetime]:
    """`pass_time(seconds=10)` moves the business clock on."""

    def move(**by: float) -> datetime:
        offset = clock.offset() + timedelta(**by)
        Path(settings.HIGHWAY_CLOCK_OFFSET_FILE).write_text(str(offset.total_seconds()))
        return clock.now()

    return move


@pytest.fixture
def make(tenant: Tenant) -> Callable[..., ScheduledWorkflow]:
    """A schedule of acme on `* * * * *` that logs a line, or with other values."""

    def schedule(**values: Any) -> ScheduledWorkflow:
        target = {} if "template" in values else {"workflow_definition": DEFINITION}
        defaults = {
            "name": f"schedule {ScheduledWorkflow.objects.all_tenants().count()}",
            "cron_expression": "* * * * *",
        }
        return create_schedule(tenant, {**defaults, **target, **values})[0]

    return schedule


def ledger(schedule: ScheduledWorkflow) -> list[tuple[str, str]]:
    """(time, outcome) of a schedule's ticks, oldest first."""
    rows = ScheduleTick.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule).order_by("scheduled_for")
    return [(f"{tick.scheduled_for:%Y-%m-%dT%H:%M:%S}", tick.outcome) for tick in rows]
