"""What started a run, as people call it. A run knows a kind and a plain id; the rooms above say their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from runs_app.models import WorkflowRun

Names = Callable[[Collection[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True)
class Origin:
    page: str
    names: Names


_ORIGINS: dict[str, Origin] = {}


def register_origin(kind: str, page: str, names: Names) -> None:
    """`page` is the admin's URL name of such a row; `names(ids)` answers the names of those that still exist."""
    _ORIGINS[kind] = Origin(page, names)


def page_of(kind: str) -> str:
    return _ORIGINS[kind].page


def names_of(runs: Iterable[WorkflowRun]) -> dict[tuple[str, str], str]:
    """(kind, id) → name for what started these runs, with one query per kind."""
    ids: dict[str, set[UUID]] = defaultdict(set)
    for run in runs:
        if run.cause_kind in _ORIGINS and (found := _uuid(run.cause_id)):
            ids[run.cause_kind].add(found)
    return {
        (kind, str(key)): name for kind, wanted in ids.items() for key, name in _ORIGINS[kind].names(wanted).items()
    }


def names_of_runs(ids: Collection[UUID]) -> dict[UUID, str]:
    """The runs that started runs."""
    return dict(WorkflowRun.objects.all_tenants().filter(pk__in=ids).values_list("pk", "workflow_name"))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
