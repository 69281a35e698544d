"""Tells the rooms below which schedules use a template, so that one in use is not deleted, and which started a run."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from runs_app.causes import register_origin
from schedules_app.models import ScheduledWorkflow
from templates_app import usage
from templates_app.models import WorkflowTemplate


def register() -> None:
    usage.register_user(schedules_of)
    register_origin("schedule", "schedules_app_scheduledworkflow_change", names)


def names(ids: Collection[UUID]) -> dict[UUID, str]:
    return dict(ScheduledWorkflow.objects.all_tenants().filter(pk__in=ids).values_list("pk", "name"))


def schedules_of(template: WorkflowTemplate) -> list[str]:
    """The schedules of this template, as people call them."""
    rows = ScheduledWorkflow.objects.for_tenant(template.tenant_id).filter(template=template).order_by("name")
    return [f"schedule {name}" for name in rows.values_list("name", flat=True)]
