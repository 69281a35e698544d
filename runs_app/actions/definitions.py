"""Storing definitions and publishing names for them."""

from __future__ import annotations

import hashlib

from highway_automation.base import clock, db, safe_json
from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.safe_json import JSON
from runs_app import checks, dialect
from runs_app.models import WorkflowDefinition, WorkflowName
from runs_app.tools import TOOLS
from tenants_app.grants import may_use
from tenants_app.models import Tenant


def store_definition(tenant: Tenant, raw: JSON) -> tuple[WorkflowDefinition, list[dict[str, str]]]:
    """The tenant's row for this definition (the same row for the same content) and its warnings.

    Raises:
        Invalid: it is no definition, or one that could not run; every problem with the path of its field.
    """
    body, warnings = validate_definition(tenant, raw)
    digest = hashlib.sha256(safe_json.dumps(raw).encode()).hexdigest()
    definition, _created = WorkflowDefinition.objects.for_tenant(tenant).get_or_create(
        sha256=digest,
        defaults={
            "name": body["name"],
            "version": body.get("version") or "",
            "raw": raw,
            "body": body,
            "warnings": warnings,
            "created_at": clock.now(),
        },
    )
    return definition, warnings


def validate_definition(tenant: Tenant, raw: JSON) -> tuple[JSON, list[dict[str, str]]]:
    """The canonical form and the warnings; writes nothing. Raises Invalid as `store_definition` does."""
    try:
        body = dialect.canonical(safe_json.check(raw))
    except safe_json.UnsafeJSON as error:
        raise Invalid("The workflow definition is not valid.", errors=[FieldError(FIELD, str(error))]) from None
    except dialect.DefinitionError as error:
        raise _invalid(error.problems) from None
    known = WorkflowName.objects.for_tenant(tenant).values_list("name", flat=True)
    report = checks.check(
        body,
        known_tools={name for name in TOOLS if may_use(tenant.allowed_tools, name)},
        known_workflows=set(known.distinct()),
        bindings={name: tool.bind for name, tool in TOOLS.items()},
        positional={name: tool.positional for name, tool in TOOLS.items()},
    )
    if report.errors:
        raise _invalid(report.errors)
    return body, [{"path": problem.path, "message": problem.message} for problem in report.warnings]


FIELD = "workflow_definition"


def _invalid(problems: list[dialect.Problem]) -> Invalid:
    errors = [FieldError(f"{FIELD}.{problem.path}" if problem.path else FIELD, problem.message) for problem in problems]
    return Invalid("The workflow definition is not valid.", errors=errors)


def publish_name(tenant: Tenant, name: str, version: int, definition: WorkflowDefinition) -> WorkflowName:
    """From now on `name` means this definition to child workflows; older versions stay readable."""
    with db.atomic():
        row, _created = WorkflowName.objects.for_tenant(tenant).get_or_create(
            name=name, version=version, defaults={"definition": definition, "published_at": clock.now()}
        )
    return row


def unpublish_name(tenant: Tenant, name: str) -> None:
    """From now on `name` means nothing to child workflows; a later owner of the name counts from 1 again."""
    WorkflowName.objects.for_tenant(tenant).filter(name=name).delete()
