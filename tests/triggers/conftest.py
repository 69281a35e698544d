from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runs_app.models import WorkflowRun
from templates_app.actions import create_template
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant
from triggers_app.actions import create_trigger
from triggers_app.models import EventTrigger, TriggerDelivery

MakeTrigger = Callable[..., EventTrigger]
MakeTemplate = Callable[..., WorkflowTemplate]

LOGGING: dict[str, Any] = {
    "name": "note",
    "version": "1",
    "tasks": {
        "note": {
            "task_id": "note",
            "operator_type": "task",
            "function": "tools.log.info",
            "args": ["it happened"],
            "dependencies": [],
        }
    },
}


@pytest.fixture
def make_trigger(tenant: Tenant) -> MakeTrigger:
    """A trigger of acme on `order_placed` that starts a one-step definition, unless told otherwise."""

    def make(event_type: str = "order_placed", of: Tenant | None = None, **values: Any) -> EventTrigger:
        target = {} if "template" in values else {"workflow_definition": LOGGING}
        return create_trigger(of or tenant, {"event_type": event_type, **target, **values})[0]

    return make


@pytest.fixture
def make_template(tenant: Tenant) -> MakeTemplate:
    """A template of acme that starts a one-step definition."""

    def make(name: str = "greet", of: Tenant | None = None, **values: Any) -> WorkflowTemplate:
        return create_template(of or tenant, {"name": name, "workflow_definition": LOGGING, **values})[0]

    return make


def runs(tenant: Tenant) -> list[WorkflowRun]:
    return list(WorkflowRun.objects.for_tenant(tenant).order_by("workflow_run_id"))


def deliveries(tenant: Tenant) -> list[TriggerDelivery]:
    return list(TriggerDelivery.objects.for_tenant(tenant).order_by("delivery_id"))
