"""What this room tells the rooms below once the apps are ready."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from highway_automation.base import retention
from runs_app.causes import register_origin
from runs_app.past import register_past
from templates_app.models import WorkflowTemplate
from templates_app.usage import register_user
from triggers_app import audit
from triggers_app.actions.retention import purge_deliveries, purge_events
from triggers_app.models import EventTrigger
from triggers_app.past import first_since


def register() -> None:
    audit.register()
    register_user(triggers_using)
    register_past(first_since)
    register_origin("trigger", "triggers_app_eventtrigger_change", names)
    retention.declare("events", purge_events, retention.Keep.EVENTS)
    retention.declare("trigger_deliveries", purge_deliveries, retention.Keep.HISTORY)


def names(ids: Collection[UUID]) -> dict[UUID, str]:
    return dict(EventTrigger.objects.all_tenants().filter(pk__in=ids).values_list("pk", "name"))


def triggers_using(template: WorkflowTemplate) -> list[str]:
    rows = EventTrigger.objects.for_tenant(template.tenant_id).filter(template=template)
    return [f"trigger {name}" for name in rows.order_by("name").values_list("name", flat=True)]
