"""How a step ends, or does not end yet. Operators return these, the engine commits them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from highway_automation.base.safe_json import JSON


@dataclass(frozen=True)
class Succeeded:
    output: JSON = None
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """`permanent` failures are not retried; `output` is what there is to show all the same."""

    error: str
    permanent: bool = False
    output: JSON = None


@dataclass(frozen=True)
class Parked:
    """Nothing to do until `until` (None: until something wakes the branch); `state` comes back on resuming."""

    until: datetime | None
    state: JSON = None


Outcome = Succeeded | Failed | Parked
