"""Which rows of this room leave a trace of who changed them; what changed in a definition is told by its versions."""

from __future__ import annotations

from auditlog.registry import auditlog

from templates_app.models import WorkflowTemplate


def register() -> None:
    auditlog.register(WorkflowTemplate, exclude_fields=["workflow_definition", "input_schema", "updated_at"])
