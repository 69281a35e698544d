"""Tells the runs which template a person or a command started."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from runs_app.causes import register_origin
from templates_app.models import WorkflowTemplate


def register() -> None:
    for kind in ("template", "command"):
        register_origin(kind, "templates_app_workflowtemplate_change", names)


def names(ids: Collection[UUID]) -> dict[UUID, str]:
    return dict(WorkflowTemplate.objects.all_tenants().filter(pk__in=ids).values_list("pk", "name"))
