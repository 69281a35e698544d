"""Running a template by name."""

from __future__ import annotations

from typing import Any

from highway_automation.base.errors import Conflict, NotFound
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from runs_app.actions import submit_run
from runs_app.cause import Cause
from runs_app.models import WorkflowRun
from templates_app.actions.versions import pinned_or_current, version_to_start
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant, User


def find_template(tenant: Tenant | str, name: str) -> WorkflowTemplate:
    """The tenant's template of this name, or NotFound."""
    template = WorkflowTemplate.objects.for_tenant(tenant).select_related("tenant").filter(name=name).first()
    if template is None:
        raise NotFound(f"There is no template {name}.")
    return template


def run_template(
    template: WorkflowTemplate,
    inputs: JSON,
    *,
    cause: Cause | None = None,
    actor: User | None = None,
    idempotency_key: str | None = None,
    context: dict[str, Any] | None = None,
    depth: int = 0,
) -> tuple[WorkflowRun, bool]:
    """Start a run of the current version with these inputs, its schema's defaults filled in.

    A key that was used before answers the first run and False, even if the template has changed or was disabled
    meanwhile: the inputs are then taken as that run's version took them.

    Raises:
        Invalid: the inputs do not fit; names each (`inputs.email`).
        Conflict: the template is disabled, or the key was used with other inputs.
    """
    earlier = _by_key(template, idempotency_key)
    if earlier is None and not template.enabled:
        raise Conflict(f"Template {template.name} is disabled.")
    version = pinned_or_current(template, earlier.template_version if earlier else None)
    version = version or version_to_start(template, None)
    return submit_run(
        definition=version.definition,
        inputs=fill_and_validate(version.input_schema, inputs),
        cause=cause or Cause("template", str(template.pk)),
        tenant=template.tenant,
        actor=actor,
        idempotency_key=idempotency_key,
        workflow_name=template.name,
        template_version=version.number,
        context=context,
        depth=depth,
    )


def _by_key(template: WorkflowTemplate, key: str | None) -> WorkflowRun | None:
    if not key:
        return None
    runs = WorkflowRun.objects.for_tenant(template.tenant_id).filter(idempotency_key=key, workflow_name=template.name)
    return runs.only("template_version").first()
