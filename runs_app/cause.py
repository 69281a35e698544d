"""Why a run exists."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("api", "template", "schedule", "trigger", "parent", "admin", "command")


@dataclass(frozen=True)
class Cause:
    """What started a run: the kind and the plain id of the row above (a lower room holds no foreign key upward)."""

    kind: str
    id: str = ""
