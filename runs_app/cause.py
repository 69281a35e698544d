"""Why a run exists."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

KINDS = ("api", "template", "schedule", "trigger", "parent", "admin", "command")


@dataclass(frozen=True)
class Cause:
    """What started a run: the kind and the plain id of the row above (a lower room holds no foreign key upward)."""

    kind: str
    id: str = ""


@dataclass(frozen=True)
class Lineage:
    """The runs above a run. `parent_run_id` is who waits for it at `parent_path`; its cause names who started it."""

    root_run_id: UUID | None = None
    nesting: int = 0
    parent_run_id: UUID | None = None
    parent_path: str = ""
