"""Storing definitions and publishing names for them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any, TypeAlias
from uuid import UUID

from highway_automation.base import clock, db, safe_json
from highway_automation.base.bulk.batches import BATCH, batched
from highway_automation.base.errors import FieldError, Invalid
from highway_automation.base.safe_json import JSON
from runs_app import checks, dialect
from runs_app.models import WorkflowDefinition, WorkflowName
from runs_app.tools import broken_tools, every_tool
from tenants_app.grants import may_use
from tenants_app.models import Tenant

Warnings: TypeAlias = list[dict[str, str]]


def store_definition(tenant: Tenant, raw: JSON) -> tuple[WorkflowDefinition, Warnings]:
    """The tenant's row for this definition (the same row for the same content) and its warnings.

    Raises:
        Invalid: it is no definition, or one that could not run; every problem with the path of its field.
    """
    body, warnings = validate_definition(tenant, raw)
    columns = _columns(raw, body, warnings)
    definition, _created = WorkflowDefinition.objects.for_tenant(tenant).get_or_create(
        sha256=content_hash(raw), defaults=columns
    )
    return definition, warnings


def content_hash(raw: JSON) -> str:
    """Equal content, equal hash, whatever the order of its keys."""
    return hashlib.sha256(safe_json.dumps(raw).encode()).hexdigest()


def _columns(raw: JSON, body: JSON, warnings: Warnings) -> dict[str, Any]:
    return {
        "name": body["name"],
        "version": body.get("version") or "",
        "raw": raw,
        "body": body,
        "warnings": warnings,
        "created_at": clock.now(),
    }


class DefinitionBatch:
    """Many definitions of one tenant: checked one by one, each content once, and stored together later.

    `coming`: names that will be published with them, so that a child workflow among them is known.
    """

    def __init__(self, tenant: Tenant, coming: Collection[str] = ()) -> None:
        self._tenant = tenant
        self._workflows = {*published_names(tenant), *coming}
        self._verdicts: dict[str, tuple[WorkflowDefinition, Warnings] | Invalid] = {}

    def check(self, tenant: Tenant, raw: JSON) -> tuple[WorkflowDefinition, Warnings]:
        """As `store_definition`, but the row is not stored before `store_for`."""
        try:
            digest = content_hash(safe_json.check(raw))
        except safe_json.UnsafeJSON as error:
            raise _unsafe(error) from None
        if digest not in self._verdicts:
            self._verdicts[digest] = self._verdict(raw, digest)
        verdict = self._verdicts[digest]
        if isinstance(verdict, Invalid):
            raise verdict
        return verdict

    def _verdict(self, raw: JSON, digest: str) -> tuple[WorkflowDefinition, Warnings] | Invalid:
        try:
            body, warnings = validate_definition(self._tenant, raw, self._workflows)
        except Invalid as error:
            return error
        definition = WorkflowDefinition(tenant=self._tenant, sha256=digest, **_columns(raw, body, warnings))
        return definition, warnings

    def store_for(self, rows: Iterable[Any]) -> None:
        """Write the `definition` of these rows, where they have one, in the caller's transaction."""
        having = [row for row in rows if row.definition]
        self._store(row.definition for row in having)
        for row in having:
            row.definition = row.definition  # its id may have become that of a row stored before

    def _store(self, wanted: Iterable[WorkflowDefinition]) -> None:
        """One whose content is stored already takes on that row's id."""
        new = {definition.sha256: definition for definition in wanted}
        rows = WorkflowDefinition.objects.for_tenant(self._tenant)
        known: dict[str, UUID] = {}
        for digests in batched(new):
            known |= dict(rows.filter(sha256__in=digests).values_list("sha256", "pk"))
        rows.bulk_create([row for row in new.values() if row.sha256 not in known], batch_size=BATCH)
        for digest, pk in known.items():
            new[digest].pk = pk


def published_names(tenant: Tenant) -> set[str]:
    return set(WorkflowName.objects.for_tenant(tenant).values_list("name", flat=True).distinct())


def validate_definition(
    tenant: Tenant, raw: JSON, known_workflows: Collection[str] | None = None
) -> tuple[JSON, Warnings]:
    """The canonical form and the warnings; writes nothing. Raises Invalid as `store_definition` does.

    `known_workflows` spares the question which names the tenant has published.
    """
    try:
        body = dialect.canonical(safe_json.check(raw))
    except safe_json.UnsafeJSON as error:
        raise _unsafe(error) from None
    except dialect.DefinitionError as error:
        raise _invalid(error.problems) from None
    if known_workflows is None:
        known_workflows = published_names(tenant)
    tools = every_tool()
    granted = {name for name in tools if may_use(tenant.allowed_tools, name)}
    report = checks.check(
        body,
        known_tools=granted,
        known_workflows=known_workflows,
        bindings={name: tool.bind for name, tool in tools.items()},
        positional={name: tool.positional for name, tool in tools.items()},
        unusable_tools={**broken_tools(), **dict.fromkeys(set(tools) - granted, UNGRANTED)},
    )
    if report.errors:
        raise _invalid(report.errors)
    return body, [{"path": problem.path, "message": problem.message} for problem in report.warnings]


FIELD = "workflow_definition"
UNGRANTED = "this tenant is not granted it; a superuser adds it to the allowed tools under Tenants"


def _unsafe(error: safe_json.UnsafeJSON) -> Invalid:
    return Invalid("The workflow definition is not valid.", errors=[FieldError(FIELD, str(error))])


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


def publish_names(tenant: Tenant, published: Iterable[tuple[str, int, WorkflowDefinition]]) -> None:
    """`publish_name` for many, in the caller's transaction; none of these versions may be published yet."""
    at = clock.now()
    rows = [
        WorkflowName(tenant=tenant, name=name, version=version, definition_id=definition.pk, published_at=at)
        for name, version, definition in published
    ]
    WorkflowName.objects.for_tenant(tenant).bulk_create(rows, batch_size=BATCH)


def unpublish_name(tenant: Tenant, name: str) -> None:
    """From now on `name` means nothing to child workflows; a later owner of the name counts from 1 again."""
    WorkflowName.objects.for_tenant(tenant).filter(name=name).delete()
