"""Schedules in files: their columns, and what of a schedule goes into them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from highway_automation.base.bulk.columns import DEFINITION, Layout, Type
from schedules_app.models import ScheduledWorkflow
from templates_app.columns import targeted_values
from tenants_app.models import Tenant

LAYOUT = Layout(
    kind="schedule",
    plural="schedules",
    columns={
        "name": Type.TEXT,
        "cron_expression": Type.TEXT,
        "timezone": Type.TEXT,
        "template": Type.REFERENCE,
        "template_version": Type.NUMBER,
        "inputs": Type.JSON,
        "enabled": Type.TRUTH,
        "overlap": Type.TEXT,
        "catch_up": Type.TEXT,
        "catch_up_window": Type.NUMBER,
        "start_at": Type.TIME,
        "end_at": Type.TIME,
        "remaining_runs": Type.NUMBER,
        "spread": Type.NUMBER,
        "day_or": Type.TRUTH,
        "dst_gap": Type.TEXT,
        "dst_overlap": Type.TEXT,
        "pause_note": Type.TEXT,
        "pause_until": Type.TIME,
        "pause_after_failures": Type.NUMBER,
        DEFINITION: Type.JSON,
    },
)


def values_of(schedule: ScheduledWorkflow) -> dict[str, Any]:
    return targeted_values(schedule, LAYOUT)


def rows_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Every schedule of a tenant, by name."""
    rows = ScheduledWorkflow.objects.for_tenant(tenant).select_related("template")
    return sorted(map(values_of, rows), key=itemgetter("name"))
