"""What imported schedules and triggers start: templates by name with their versions, or definitions of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar
from uuid import UUID

from highway_automation.base.bulk.records import Record
from highway_automation.base.errors import FieldError, Invalid
from runs_app.actions.definitions import DefinitionBatch
from templates_app.actions.versions import pinned_or_current
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.actions.importing import Importer, Planned
from tenants_app.models import Tenant
from tenants_app.scoping import TenantModel

M = TypeVar("M", bound=TenantModel)
HINTS = 20
GIVE = "Import templates first."


class Targeted(Protocol):
    """A row that starts a template, or may."""

    template: Any
    template_version: Any


class NamedTemplates:
    """A tenant's templates as files name them; `look_up` asks for a batch of records at once."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._found: dict[str, WorkflowTemplate] = {}
        self._hints: dict[str, str] = {}
        self.versions: dict[tuple[UUID, int], TemplateVersion | None] = {}

    def look_up(self, records: Sequence[Record], rows: Iterable[Targeted]) -> None:
        names = {record.values["template"] for record in records if record.values.get("template")}
        found = WorkflowTemplate.objects.for_tenant(self._tenant).filter(name__in=names - self._found.keys())
        self._found |= {row.name: row for row in found.defer("workflow_definition")}
        present = list(rows)
        templates = {self._found[name] for name in names & self._found.keys()}
        templates |= {row.template for row in present if row.template is not None}
        pinned = {record.values.get("template_version") for record in records}
        pinned |= {row.template_version for row in present}
        self._look_up_versions(templates, {int(number) for number in pinned if number})

    def _look_up_versions(self, templates: Collection[WorkflowTemplate], pinned: set[int]) -> None:
        numbers = pinned | {template.version for template in templates}
        rows = TemplateVersion.objects.for_tenant(self._tenant).filter(template__in=templates, number__in=numbers)
        self.versions |= {(row.template_id, row.number): row for row in rows}

    def named(self, name: str) -> WorkflowTemplate:
        """Raises Invalid where the tenant has none of this name."""
        if name not in self._found:
            told = f"There is no template {name!r}. {self._hint(name)}"
            raise Invalid(told, errors=[FieldError("template", told)])
        return self._found[name]

    def _hint(self, name: str) -> str:
        """What may have been meant. Comparing names takes its time, so not everybody is told."""
        if name not in self._hints and len(self._hints) < HINTS:
            every = WorkflowTemplate.objects.for_tenant(self._tenant).values_list("name", flat=True)
            near = get_close_matches(name, every, n=1)
            self._hints[name] = f"Did you mean {near[0]}?" if near else GIVE
        return self._hints.get(name, GIVE)

    def version(self, template: WorkflowTemplate, pinned: int | None) -> TemplateVersion | None:
        found = self.versions.get((template.pk, template.version if pinned is None else pinned))
        return found or pinned_or_current(template, pinned)


class TargetedImporter(Importer[M]):
    """For rows that start a template, or a definition of their own."""

    def prepare(self, records: Sequence[Record]) -> None:
        self.definitions = DefinitionBatch(self.tenant)
        self.templates = NamedTemplates(self.tenant)

    def look_up(self, records: Sequence[Record], rows: Mapping[str, Any]) -> None:
        self.templates.look_up(records, rows.values())

    def values(self, record: Record) -> dict[str, Any]:
        values = dict(record.values)
        if values.get("template") is not None:
            values["template"] = self.templates.named(values["template"])
        return values

    def store(self, items: Sequence[Planned[M]]) -> None:
        self.definitions.store_for(item.row for item in items)
