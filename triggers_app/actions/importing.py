"""Triggers by the thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from highway_automation.base.bulk.records import Record
from runs_app.actions.definitions import DefinitionBatch
from templates_app.actions.targets import NamedTemplates
from tenants_app.actions.importing import Importer, Planned
from triggers_app.actions.triggers import Questions, Warnings, changed, made, touch
from triggers_app.columns import LAYOUT, values_of
from triggers_app.models import EventTrigger
from triggers_app.targets import Targets


class TriggerImporter(Importer[EventTrigger]):
    model = EventTrigger
    layout = LAYOUT
    exported = staticmethod(values_of)
    related = ("tenant", "template", "definition")

    def prepare(self, records: Sequence[Record]) -> None:
        self.definitions = DefinitionBatch(self.tenant)
        self.templates = NamedTemplates(self.tenant)
        self.questions = Questions(self.definitions.check, Targets(self.templates.versions))

    def look_up(self, records: Sequence[Record], rows: Mapping[str, EventTrigger]) -> None:
        self.templates.look_up(records, rows.values())

    def values(self, record: Record) -> dict[str, Any]:
        values = dict(record.values)
        if values.get("template") is not None:
            values["template"] = self.templates.named(values["template"])
        return values

    def made(self, values: dict[str, Any]) -> tuple[EventTrigger, Warnings]:
        return made(self.tenant, values, self.questions)

    def changed(self, row: EventTrigger, values: dict[str, Any]) -> Warnings:
        return changed(row, values, self.questions)

    def hold(self) -> None:
        """One new stamp for all: every process reads the tenant's triggers again, once."""
        touch(self.tenant.pk)

    def store(self, items: Sequence[Planned[EventTrigger]]) -> None:
        self.definitions.store(item.row.definition for item in items if item.row.definition)
        for item in items:
            item.row.definition = item.row.definition  # its id may have become that of a row stored before
