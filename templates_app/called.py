"""Templates that are run by a step of another workflow, by their name."""

from __future__ import annotations

from highway_automation.base.errors import Conflict
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from templates_app.models import TemplateVersion, WorkflowTemplate


def fit_inputs(tenant_id: str, name: str, version: int, inputs: JSON) -> JSON:
    """The inputs as that version takes them, its defaults filled in.

    Raises:
        Invalid: they do not fit.
        Conflict: the template is disabled.
    """
    template = WorkflowTemplate.objects.for_tenant(tenant_id).filter(name=name).first()
    if template is None:
        return inputs
    if not template.enabled:
        raise Conflict(f"Template {name} is disabled.")
    versions = TemplateVersion.objects.for_tenant(tenant_id).filter(template=template, number=version)
    called = versions.only("input_schema").first()
    return fill_and_validate(called.input_schema, inputs) if called else inputs
