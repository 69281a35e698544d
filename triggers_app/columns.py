"""Triggers in files: their columns, and what of a trigger goes into them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from highway_automation.base.bulk.columns import DEFINITION, Layout, Type
from templates_app.columns import targeted_values
from tenants_app.models import Tenant
from triggers_app.models import EventTrigger

LAYOUT = Layout(
    kind="trigger",
    plural="triggers",
    columns={
        "name": Type.TEXT,
        "event_type": Type.TEXT,
        "filter_expression": Type.JSON,
        "source_match": Type.TEXT,
        "subject_match": Type.TEXT,
        "template": Type.REFERENCE,
        "template_version": Type.NUMBER,
        "input_mapping": Type.JSON,
        "mode": Type.TEXT,
        "max_depth": Type.NUMBER,
        "enabled": Type.TRUTH,
        DEFINITION: Type.JSON,
    },
)


def values_of(trigger: EventTrigger) -> dict[str, Any]:
    return targeted_values(trigger, LAYOUT)


def rows_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Every trigger of a tenant, by name."""
    rows = EventTrigger.objects.for_tenant(tenant).select_related("template")
    return sorted(map(values_of, rows), key=itemgetter("name"))
