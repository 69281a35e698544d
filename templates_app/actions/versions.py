"""Which version of a template is started: the one that is pinned, else the current one."""

from __future__ import annotations

from collections.abc import Callable

from highway_automation.base.errors import FieldError, Invalid
from templates_app.actions.edit import update_template
from templates_app.models import TemplateVersion, WorkflowTemplate

FindVersion = Callable[[WorkflowTemplate, int | None], TemplateVersion | None]


def pinned_or_current(template: WorkflowTemplate, pinned: int | None) -> TemplateVersion | None:
    """None where there is no such version. A template written by SQL gets its first one here.

    Raises Invalid: what SQL wrote is no template.
    """
    rows = TemplateVersion.objects.for_tenant(template.tenant_id).filter(template=template)
    versions = rows.select_related("definition")
    if pinned is not None:
        return versions.filter(number=pinned).first()
    current = versions.filter(number=template.version).first()
    if current is None:
        written, _warnings = update_template(template, {})
        current = versions.filter(number=written.version).first()
    return current


def version_to_start(
    template: WorkflowTemplate, pinned: int | None, find: FindVersion = pinned_or_current
) -> TemplateVersion:
    """As `find` finds it. Raises Invalid where there is none."""
    version = find(template, pinned)
    if version is None:
        message = f"Template {template.name} has no version {template.version if pinned is None else pinned}."
        raise Invalid(message, errors=[FieldError("template_version", message)])
    return version
