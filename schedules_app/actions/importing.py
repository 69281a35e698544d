"""Schedules by the thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from highway_automation.base import clock
from highway_automation.base.bulk.records import Record
from schedules_app.actions.checks import Questions
from schedules_app.actions.edit import Warnings, changed, made
from schedules_app.actions.ledger import drop_all_waiting
from schedules_app.actions.pause import PAUSED, forget_failures, plan_from_now
from schedules_app.columns import LAYOUT, values_of
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from templates_app.actions.targets import TargetedImporter
from tenants_app.actions.importing import Planned
from tenants_app.models import User


class ScheduleImporter(TargetedImporter[ScheduledWorkflow]):
    """`owner`, when given, owns what is imported; else new ones belong to whoever imports, if that is a person."""

    model = ScheduledWorkflow
    layout = LAYOUT
    exported = staticmethod(values_of)
    related = ("tenant", "template", "definition", "owner")
    owner: User | None = None

    def prepare(self, records: Sequence[Record]) -> None:
        super().prepare(records)
        self.skipped: dict[UUID, list[datetime]] = defaultdict(list)
        self.questions = Questions(self.definitions.check, self.templates.version, self._decided)

    def look_up(self, records: Sequence[Record], rows: Mapping[str, ScheduledWorkflow]) -> None:
        super().look_up(records, rows)
        later = ScheduleTick.objects.for_tenant(self.tenant).filter(
            schedule__in=list(rows.values()), scheduled_for__gt=clock.now()
        )
        for schedule_id, slot in later.values_list("schedule_id", "scheduled_for"):
            if schedule_id:
                self.skipped[schedule_id].append(slot)

    def _decided(self, row: ScheduledWorkflow, at: datetime) -> Collection[datetime]:
        return self.skipped.get(row.pk, ())

    def values(self, record: Record) -> dict[str, Any]:
        return super().values(record) | ({"owner": self.owner} if self.owner else {})

    def made(self, values: dict[str, Any]) -> tuple[ScheduledWorkflow, Warnings]:
        return made(self.tenant, values, owner=self.actor, questions=self.questions)

    def changed(self, row: ScheduledWorkflow, values: dict[str, Any]) -> Warnings:
        return changed(row, values, self.questions)

    def store(self, items: Sequence[Planned[ScheduledWorkflow]]) -> None:
        super().store(items)
        at = clock.now()
        for item in items:
            if item.row.next_run_at and item.row.next_run_at <= at and item.is_touched("next_run_at"):
                plan_from_now(item.row)  # its time came while the plan was made

    def follow(self, items: Sequence[Planned[ScheduledWorkflow]]) -> None:
        switched = [item.row for item in items if item.action == "update" and item.is_touched("enabled")]
        if paused := [row.pk for row in switched if not row.enabled]:
            drop_all_waiting(self.tenant.pk, paused, PAUSED)
        if resumed := [row.pk for row in switched if row.enabled]:
            forget_failures(self.tenant.pk, *resumed)
