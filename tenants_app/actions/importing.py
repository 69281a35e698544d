"""Many rows of a kind at once: a plan first, then all of it or nothing.

Planning reads and checks, with a fixed number of queries for each batch of records, and holds no lock; applying is one
short transaction that first makes sure that the rows to be changed are still what the plan saw. Each room says how a
row of its kind is made, changed and written, with the same checks as for a single one.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from django.db import IntegrityError

from highway_automation.base import clock, safe_json
from highway_automation.base.bulk.batches import BATCH, batched
from highway_automation.base.bulk.columns import Layout, same, to_value
from highway_automation.base.bulk.reading import Compile
from highway_automation.base.bulk.records import ImportRefused, Problem, Record
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, HighwayError, Invalid
from tenants_app.actions.audit import log_rows
from tenants_app.models import Tenant, User
from tenants_app.scoping import TenantModel

M = TypeVar("M", bound=TenantModel)
Warnings: TypeAlias = list[dict[str, str]]
Progress = Callable[[str, int, int], None]
"""(what is being done, how many are done, of how many)"""
NAMED = 5
TARGET = ("template", "template_version", "workflow_definition")
"""Of what a row starts there is nothing more to tell when it names something that is not there."""


def silent(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Planned(Generic[M]):
    """What becomes of one record. `row` is the row as it will be, `touched` its columns that change, `basis` what the
    plan saw of the row that is there.
    """

    action: Literal["create", "update", "unchanged"]
    record: Record
    row: M
    changes: tuple[str, ...] = ()
    warnings: Warnings = field(default_factory=list)
    basis: str = ""
    touched: frozenset[str] = frozenset()

    def is_touched(self, column: str) -> bool:
        return self.action == "create" or column in self.touched

    def as_json(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "name": self.record.name,
            "file": self.record.file,
            "line": self.record.line,
            "changes": list(self.changes) if self.action == "update" else [],
            "warnings": self.warnings,
        }


@dataclass
class Plan(Generic[M]):
    items: list[Planned[M]]

    @property
    def counts(self) -> dict[str, int]:
        told = [item.action for item in self.items]
        return {action: told.count(action) for action in ("create", "update", "unchanged")}

    @property
    def digest(self) -> str:
        """Equal for the same plan made from the same rows."""
        told = [[item.action, item.record.name, *item.changes, item.basis] for item in self.items]
        return hashlib.sha256(safe_json.dumps(told).encode()).hexdigest()

    def of(self, action: str) -> list[Planned[M]]:
        return [item for item in self.items if item.action == action]


class Importer(ABC, Generic[M]):
    """How rows of one kind are imported, by name, into one tenant."""

    model: ClassVar[type[TenantModel]]
    layout: ClassVar[Layout]
    counted: ClassVar[tuple[str, ...]] = ()
    """Columns beyond the layout's that a plan relies on."""
    related: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tenant: Tenant, *, actor: User | None = None, progress: Progress = silent) -> None:
        self.tenant = tenant
        self.actor = actor
        self.progress = progress

    @classmethod
    def compiler(cls) -> Compile | None:
        """What makes definitions of programs; None where a kind has none."""
        return None

    @staticmethod
    @abstractmethod
    def exported(row: Any, /) -> dict[str, Any]:
        """What of a row goes into a file."""

    # What a room says ------------------------------------------------------------------------------------------------

    def prepare(self, records: Sequence[Record]) -> None:
        """Look up what the checks of all records ask for."""

    def look_up(self, records: Sequence[Record], rows: Mapping[str, M]) -> None:
        """Look up what the checks of this batch ask for, in a fixed number of queries."""

    def values(self, record: Record) -> dict[str, Any]:
        """The record's values as the verbs take them. Raises Invalid for a name of something that is not there."""
        return record.values

    @abstractmethod
    def made(self, values: dict[str, Any]) -> tuple[M, Warnings]:
        """A new row, checked, not saved. Raises HighwayError as the verb that creates one does."""

    @abstractmethod
    def changed(self, row: M, values: dict[str, Any]) -> Warnings:
        """Change the row, check it, do not save it. Raises HighwayError as the verb that changes one does."""

    def hold(self) -> None:
        """Take the locks that changing rows of this kind takes, before any row's own."""

    def store(self, items: Sequence[Planned[M]]) -> None:
        """Write what the rows refer to."""

    def follow(self, items: Sequence[Planned[M]]) -> None:
        """Write what belongs to the rows, which are written."""

    # Planning --------------------------------------------------------------------------------------------------------

    def plan(self, records: Sequence[Record], problems: Iterable[Problem] = ()) -> Plan[M]:
        """What importing would do. Raises ImportRefused naming everything that stands in the way, `problems` too."""
        found = [*problems, *self._nameless(records), *self._doubled(records)]
        items: list[Planned[M]] = []
        named = [record for record in records if record.name]
        self.prepare(named)
        for batch in batched(named):
            self.progress("Checking", len(items), len(named))
            rows = self._rows({record.name for record in batch})
            with clock.standing():
                self.look_up(batch, rows)
                for record in batch:
                    try:
                        items.append(self._planned(record, rows.get(record.name)))
                    except HighwayError as error:
                        found += record.problems_of(error)
        self.progress("Checking", len(named), len(named))
        if found:
            raise ImportRefused(found)
        return Plan(items)

    def _nameless(self, records: Iterable[Record]) -> list[Problem]:
        told = f"Give a name: a {self.layout.kind} is imported by its name."
        return [record.problem(told, "name") for record in records if not record.name]

    def _doubled(self, records: Iterable[Record]) -> list[Problem]:
        first: dict[str, Record] = {}
        return [
            record.problem(f"{record.name} is in {first[record.name].place} already.", "name")
            for record in records
            if record.name and first.setdefault(record.name, record) is not record
        ]

    def _rows(self, names: Iterable[str]) -> dict[str, M]:
        rows: Any = self.model.objects.for_tenant(self.tenant).select_related(*self.related)
        return {row.name: row for row in rows.filter(name__in=list(names))}

    def _planned(self, record: Record, row: M | None) -> Planned[M]:
        try:
            values = self.values(record)
        except Invalid as error:
            raise self._with_the_rest(error, record, row) from None
        if row is None:
            made, warnings = self.made(values)
            return Planned("create", record, made, tuple(values), warnings)
        changes = tuple(name for name, value in values.items() if not same(getattr(row, name), value))
        if not changes:
            return Planned("unchanged", record, row)
        after = copy(row)
        warnings = self.changed(after, values)
        columns = [column.attname for column in row._meta.concrete_fields]
        touched = frozenset(name for name in columns if not same(getattr(row, name), getattr(after, name)))
        return Planned("update", record, after, changes, warnings, self._basis(row), touched)

    def _with_the_rest(self, error: Invalid, record: Record, row: M | None) -> Invalid:
        """What else is wrong with a record that names something which is not there."""
        missing = {part.field for part in error.field_errors}
        values = {name: value for name, value in record.values.items() if name not in missing}
        try:
            self.made(values) if row is None else self.changed(copy(row), values)
        except Invalid as more:
            about = {*missing, *(name for name in TARGET if name not in values)}
            rest = [part for part in more.field_errors if part.field not in about]
            return Invalid(error.message, errors=[*error.field_errors, *rest])
        except HighwayError:
            pass
        return error

    def _basis(self, row: M | None) -> str:
        if row is None:
            return ""
        seen: dict[str, Any] = {name: getattr(row, name) for name in self.counted}
        for name, kind in self.layout.columns.items():
            value = getattr(row, name)
            seen[name] = str(value.pk) if isinstance(value, TenantModel) else to_value(kind, value)
        return hashlib.sha256(safe_json.dumps(seen).encode()).hexdigest()

    # Applying --------------------------------------------------------------------------------------------------------

    def apply(self, plan: Plan[M]) -> None:
        """Do what was planned. Raises Conflict, and nothing is written, where rows changed since."""
        todo = [item for item in plan.items if item.action != "unchanged"]
        if not todo:
            return
        self.progress("Writing", 0, len(todo))
        try:
            with atomic(), clock.standing():
                self.hold()
                present = self._locked(todo)
                self.store(todo)
                self._create([item for item in todo if item.action == "create"])
                self._update([item for item in todo if item.action == "update"], present)
        except IntegrityError:
            raise Conflict(f"Other {self.layout.plural} were written meanwhile; nothing was. Import again.") from None
        self.progress("Writing", len(todo), len(todo))

    def _locked(self, items: Sequence[Planned[M]]) -> dict[str, M]:
        """The rows as they are now, until the transaction ends. Raises Conflict where they are not the plan's."""
        present: dict[str, M] = {}
        for names in batched(sorted(item.record.name for item in items)):
            rows: Any = self.model.objects.for_tenant(self.tenant).select_related(*self.related).order_by("name")
            present |= {row.name: row for row in lock_rows(rows.filter(name__in=names))}
        moved = [item.record.name for item in items if self._basis(present.get(item.record.name)) != item.basis]
        if moved:
            told = ", ".join(moved[:NAMED]) + (f" and {len(moved) - NAMED} more" if len(moved) > NAMED else "")
            raise Conflict(f"Changed since the plan was made: {told}. Nothing was written; import again.")
        return present

    def _create(self, items: Sequence[Planned[M]]) -> None:
        for batch in batched(items):
            rows = [item.row for item in batch]
            self.model.objects.for_tenant(self.tenant).bulk_create(rows)
            self.follow(batch)
            log_rows([(None, row) for row in rows])
            self.progress("Writing", len(rows), len(items))

    def _update(self, items: Sequence[Planned[M]], present: Mapping[str, M]) -> None:
        """One upsert writes a batch: every row is there and locked, so each is an update, of the touched columns."""
        for batch in batched(items):
            before = [copy(present[item.record.name]) for item in batch]
            rows = [present[item.record.name] for item in batch]
            for item, row in zip(batch, rows, strict=True):
                for name in item.touched:
                    setattr(row, name, getattr(item.row, name))
            columns = sorted({*chain.from_iterable(item.touched for item in batch)})
            self.model.objects.for_tenant(self.tenant).bulk_create(
                rows,
                batch_size=BATCH,
                update_conflicts=True,
                unique_fields=[self.model._meta.pk.name],
                update_fields=[self.model._meta.get_field(name).name for name in columns],
            )
            self.follow(batch)
            log_rows(list(zip(before, rows, strict=True)))
            self.progress("Writing", len(batch), len(items))
