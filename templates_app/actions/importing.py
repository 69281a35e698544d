"""Many templates at once: a plan first, then all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from highway_automation.base.db import atomic, savepoint
from highway_automation.base.errors import FieldError, HighwayError, Invalid
from templates_app.actions.edit import Warnings, create_template, update_template
from templates_app.files import Entry
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant, User


@dataclass(frozen=True)
class Planned:
    """What becomes of one entry; `changes` are the fields that differ."""

    action: Literal["create", "update", "unchanged"]
    entry: Entry
    changes: tuple[str, ...]
    warnings: Warnings


class ImportRefused(Exception):
    """Nothing was imported; each line says where and why."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _Rehearsed(Exception):
    """Ends the transaction of a rehearsal without keeping anything."""


def import_templates(
    tenant: Tenant,
    entries: Iterable[Entry],
    *,
    dry_run: bool = False,
    actor: User | None = None,
    progress: Callable[[Iterable[Entry]], Iterable[Entry]] = iter,
) -> list[Planned]:
    """Create, update or leave alone the template of each entry, by name; with `dry_run` only say what would be done.

    Raises ImportRefused naming everything that stands in the way; then nothing was written.
    """
    every = list(entries)
    planned: list[Planned] = []
    problems = _twice(every)
    try:
        with atomic():
            for entry in progress(every):
                try:
                    with savepoint():
                        planned.append(_import(tenant, entry, actor))
                except HighwayError as error:
                    problems += _told(entry, error)
            if dry_run or problems:
                raise _Rehearsed
    except _Rehearsed:
        if problems:
            raise ImportRefused(problems) from None
    return planned


def _import(tenant: Tenant, entry: Entry, actor: User | None) -> Planned:
    comment = f"Imported from {entry.path.name}."
    template = WorkflowTemplate.objects.for_tenant(tenant).filter(name=entry.name).first()
    if template is None:
        _template, warnings = create_template(tenant, entry.values, actor=actor, comment=comment)
        return Planned("create", entry, tuple(entry.values), warnings)
    changes = tuple(field for field, value in entry.values.items() if getattr(template, field) != value)
    if not changes:
        return Planned("unchanged", entry, (), [])
    _template, warnings = update_template(template, entry.values, actor=actor, comment=comment)
    return Planned("update", entry, changes, warnings)


def _twice(entries: list[Entry]) -> list[str]:
    first: dict[str, Entry] = {}
    problems = []
    for entry in entries:
        if entry.name in first:
            problems.append(f"{entry.place()}: {entry.name} is in {first[entry.name].place()} already.")
        first.setdefault(entry.name, entry)
    return problems


def _told(entry: Entry, error: HighwayError) -> list[str]:
    problems = error.field_errors if isinstance(error, Invalid) else []
    problems = problems or [FieldError("", error.message)]
    return [f"{entry.place(it.field)}: {it.field + ': ' if it.field else ''}{it.message}" for it in problems]
