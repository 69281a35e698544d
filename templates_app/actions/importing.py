"""Templates by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from highway_automation.base.bulk.batches import BATCH
from highway_automation.base.bulk.reading import Compile
from highway_automation.base.bulk.records import Record
from runs_app.actions.definitions import DefinitionBatch, publish_names
from templates_app.actions.edit import Warnings, changed, made, new_version
from templates_app.columns import LAYOUT, compiled, values_of
from templates_app.models import TemplateVersion, WorkflowTemplate
from tenants_app.actions.importing import Importer, Planned


class TemplateImporter(Importer[WorkflowTemplate]):
    model = WorkflowTemplate
    layout = LAYOUT
    exported = staticmethod(values_of)
    counted = ("version",)
    related = ("tenant", "definition")

    @classmethod
    def compiler(cls) -> Compile:
        return compiled

    def prepare(self, records: Sequence[Record]) -> None:
        self.definitions = DefinitionBatch(self.tenant, coming=[record.name for record in records])
        self.renewed: set[str] = set()

    def made(self, values: dict[str, Any]) -> tuple[WorkflowTemplate, Warnings]:
        return made(self.tenant, values, self.definitions.check)

    def changed(self, row: WorkflowTemplate, values: dict[str, Any]) -> Warnings:
        warnings, is_new_version = changed(row, values, self.definitions.check)
        if is_new_version:
            self.renewed.add(row.name)
        return warnings

    def store(self, items: Sequence[Planned[WorkflowTemplate]]) -> None:
        self.definitions.store_for(item.row for item in items)

    def follow(self, items: Sequence[Planned[WorkflowTemplate]]) -> None:
        """The versions of those that are new, or run something else from now on."""
        new = [
            new_version(item.row, self.actor, f"Imported from {PurePath(item.record.file).name}.")
            for item in items
            if item.action == "create" or item.record.name in self.renewed
        ]
        TemplateVersion.objects.for_tenant(self.tenant).bulk_create(new, batch_size=BATCH)
        publish_names(self.tenant, [(row.template.name, row.number, row.definition) for row in new])
