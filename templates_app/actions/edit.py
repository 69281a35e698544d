"""Creating, changing and deleting templates. A change of what runs is a new version; earlier ones stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from highway_automation.base import clock, safe_json
from highway_automation.base.db import atomic, lock_rows, savepoint
from highway_automation.base.errors import BadRequest, Conflict, FieldError, Invalid, NotFound
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import check_schema
from runs_app.actions import publish_name, store_definition, unpublish_name
from runs_app.actions.definitions import validate_definition
from runs_app.models import WorkflowDefinition
from templates_app.models import TemplateVersion, WorkflowTemplate
from templates_app.usage import users_of
from tenants_app.actions.checks import invalid
from tenants_app.models import Tenant, User

FIELDS = ("name", "description", "workflow_definition", "input_schema", "category", "tags", "enabled")
Warnings = list[dict[str, str]]
T = TypeVar("T")


def create_template(
    tenant: Tenant, values: Mapping[str, Any], *, actor: User | None = None, comment: str = ""
) -> tuple[WorkflowTemplate, Warnings]:
    """A template with its version 1, and the warnings about its definition. `values`: see FIELDS.

    Raises:
        Invalid: naming every field that is wrong (`workflow_definition.tasks.greet.dependencies`).
        Conflict: the tenant has a template of this name.
    """
    with atomic():
        template, warnings = made(tenant, values, store_definition)
        _write(template, force_insert=True)
        _publish(template, actor, comment)
    return template, warnings


def update_template(
    template: WorkflowTemplate, values: Mapping[str, Any], *, actor: User | None = None, comment: str = ""
) -> tuple[WorkflowTemplate, Warnings]:
    """Change the given fields. Another definition or schema makes a new version; later runs use it, others do not.

    Raises as `create_template` does; BadRequest for another name; NotFound when it is gone.
    """
    with atomic():
        row = locked(template)
        warnings, is_new_version = changed(row, values, store_definition)
        _write(row)
        if is_new_version:
            _publish(row, actor, comment)
    return row, warnings


Define = Callable[[Tenant, JSON], tuple[WorkflowDefinition, Warnings]]


def made(tenant: Tenant, values: Mapping[str, Any], define: Define) -> tuple[WorkflowTemplate, Warnings]:
    """A new template, checked, not saved; `define` turns its definition into a row. Raises Invalid."""
    template = WorkflowTemplate(tenant=tenant)
    _apply(template, values)
    template.definition, warnings = _examined(template, define)
    return template, warnings


def changed(row: WorkflowTemplate, values: Mapping[str, Any], define: Define) -> tuple[Warnings, bool]:
    """Change the row, check it, do not save it; whether that makes a new version. Raises Invalid, BadRequest."""
    before = row.definition and row.definition.sha256, row.input_schema
    if values.get("name", row.name) != row.name:
        raise BadRequest(f"A template keeps its name: {row.name}. Create another one for {values['name']}.")
    _apply(row, values)
    definition, warnings = _examined(row, define)
    row.updated_at = clock.now()
    is_new_version = (definition.sha256, row.input_schema) != before
    row.version += is_new_version and row.definition_id is not None
    if is_new_version:
        row.definition = definition
    return warnings, is_new_version


def rollback(
    template: WorkflowTemplate, number: int, *, actor: User | None = None, comment: str = ""
) -> tuple[WorkflowTemplate, Warnings]:
    """Make an earlier version current again, as a new version. Raises NotFound or Conflict (it is the current one)."""
    version = find_version(template, number)
    told = comment or f"Back to version {number}."
    values = {"workflow_definition": version.definition.raw, "input_schema": version.input_schema}
    with atomic():
        row = locked(template)
        if (row.definition_id, row.input_schema) == (version.definition_id, version.input_schema):
            raise Conflict(f"{row.name} is what it was in version {number} already.")
        return update_template(row, values, actor=actor, comment=told)


def clone_template(
    template: WorkflowTemplate, name: str = "", *, actor: User | None = None
) -> tuple[WorkflowTemplate, Warnings]:
    """A copy under another name (`<name>-copy` when none is given), disabled until someone enables it."""
    values = {field: getattr(template, field) for field in FIELDS}
    values |= {"name": name or _free_name(template), "enabled": False}
    return create_template(template.tenant, values, actor=actor, comment=f"Copy of {template.name}.")


def set_enabled(template: WorkflowTemplate, enabled: bool) -> WorkflowTemplate:
    """A disabled template starts no new runs; those under way go on. Nothing happens where it is so already."""
    with atomic():
        row = locked(template)
        if row.enabled != enabled:
            row.enabled, row.updated_at = enabled, clock.now()
            row.save(update_fields=["enabled", "updated_at"])
    return row


def delete_template(template: WorkflowTemplate) -> None:
    """Delete it with its versions; its runs stay. Raises Conflict naming its users, NotFound when it is gone."""
    with atomic():
        row = locked(template)
        if users := users_of(row):
            raise Conflict(f"{row.name} is in use by {', '.join(users)}.", used_by=users)
        unpublish_name(row.tenant, row.name)
        row.delete()


def check_template(tenant: Tenant, values: Mapping[str, Any]) -> Warnings:
    """The warnings that saving would answer; writes nothing. Raises Invalid as `create_template` does."""
    template = WorkflowTemplate(tenant=tenant)
    _apply(template, {"name": "unnamed", **values})
    return _examined(template, validate_definition)[1]


def locked(template: WorkflowTemplate) -> WorkflowTemplate:
    """The row as it is now, until the transaction ends. Raises NotFound."""
    rows = (
        WorkflowTemplate.objects.for_tenant(template.tenant_id)
        .filter(pk=template.pk)
        .select_related("tenant", "definition")
    )
    row = lock_rows(rows).first()
    if row is None:
        raise NotFound(f"There is no template {template.name} any more.")
    return row


def find_version(template: WorkflowTemplate, number: int) -> TemplateVersion:
    versions = TemplateVersion.objects.for_tenant(template.tenant_id).filter(template=template, number=number)
    version = versions.select_related("definition").first()
    if version is None:
        raise NotFound(f"{template.name} has no version {number}.")
    return version


def _apply(template: WorkflowTemplate, values: Mapping[str, Any]) -> None:
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"A template has no {', '.join(sorted(unknown))}.")
    for field, value in values.items():
        setattr(template, field, value)


def _examined(template: WorkflowTemplate, examine: Callable[[Tenant, JSON], tuple[T, Warnings]]) -> tuple[T, Warnings]:
    """What `examine` makes of the definition. Tells everything that is wrong at once, not one field after the other."""
    errors: list[FieldError] = []
    for check in (_check_columns, _check_schema):
        try:
            check(template)
        except Invalid as error:
            errors += error.field_errors
    try:
        result = examine(template.tenant, template.workflow_definition)
    except Invalid as error:
        errors += error.field_errors
    if errors:
        told = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise Invalid(f"The template is not valid. {told}"[:2000], errors=errors)
    return result


def _check_columns(template: WorkflowTemplate) -> None:
    for field in ("name", "description", "category"):
        if safe_json.UNSTORABLE.search(str(getattr(template, field))):
            raise Invalid("Not storable.", errors=[FieldError(field, "Give text without NUL characters.")])
    others = {"workflow_definition", "input_schema", "definition", "tenant"}
    try:
        template.full_clean(exclude=others, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise invalid(template, error) from None


def _check_schema(template: WorkflowTemplate) -> None:
    try:
        safe_json.check(template.input_schema)
    except safe_json.UnsafeJSON as error:
        raise Invalid("Not storable.", errors=[FieldError("input_schema", str(error))]) from None
    check_schema(template.input_schema)


def _write(template: WorkflowTemplate, *, force_insert: bool = False) -> None:
    try:
        with savepoint():
            template.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(f"There is a template named {template.name} already.") from None


def _publish(template: WorkflowTemplate, actor: User | None, comment: str) -> None:
    assert template.definition is not None  # noqa: S101 - written just now
    new_version(template, actor, comment).save(force_insert=True)
    publish_name(template.tenant, template.name, template.version, template.definition)


def new_version(template: WorkflowTemplate, actor: User | None, comment: str) -> TemplateVersion:
    """What the template is now, as a version that is not saved."""
    return TemplateVersion(
        tenant_id=template.tenant_id,
        template=template,
        number=template.version,
        definition=template.definition,
        input_schema=template.input_schema,
        author=actor,
        comment=comment,
        created_at=template.updated_at,
    )


def _free_name(template: WorkflowTemplate) -> str:
    base = f"{template.name[:240]}-copy"
    rows = WorkflowTemplate.objects.for_tenant(template.tenant_id).filter(name__startswith=base)
    taken = set(rows.values_list("name", flat=True))
    names = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
