"""Triggers by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highway_automation.base.bulk.records import Record
from templates_app.actions.targets import TargetedImporter
from triggers_app.actions.triggers import Questions, Warnings, changed, made, touch
from triggers_app.columns import LAYOUT, values_of
from triggers_app.models import EventTrigger
from triggers_app.targets import Targets


class TriggerImporter(TargetedImporter[EventTrigger]):
    model = EventTrigger
    layout = LAYOUT
    exported = staticmethod(values_of)
    related = ("tenant", "template", "definition")

    def prepare(self, records: Sequence[Record]) -> None:
        super().prepare(records)
        self.questions = Questions(self.definitions.check, Targets(self.templates.versions))

    def made(self, values: dict[str, Any]) -> tuple[EventTrigger, Warnings]:
        return made(self.tenant, values, self.questions)

    def changed(self, row: EventTrigger, values: dict[str, Any]) -> Warnings:
        return changed(row, values, self.questions)

    def hold(self) -> None:
        """One new stamp for all: every process reads the tenant's triggers again, once."""
        touch(self.tenant.pk)
