"""How a step ends, or does not end yet. Operators return these, the engine commits them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from highway_automation.base.safe_json import JSON


@dataclass(frozen=True)
class Emission:
    """A named event that becomes known with the step's end; to the whole tenant, or to its `own_run` only.

    With an `error` it says that what was waited for failed.
    """

    name: str
    payload: JSON = None
    error: str = ""
    own_run: bool = False


@dataclass(frozen=True)
class Succeeded:
    output: JSON = None
    chosen: tuple[str, ...] = ()
    emits: tuple[Emission, ...] = ()


@dataclass(frozen=True)
class Failed:
    """`permanent` failures are not retried; `output` is what there is to show all the same."""

    error: str
    permanent: bool = False
    output: JSON = None


@dataclass(frozen=True)
class Parked:
    """Nothing to do until `until` (None: until something wakes the branch); `state` comes back on resuming.

    `event` is the name of the event that wakes it, `note` says in a few words what it waits for.
    """

    until: datetime | None
    state: JSON = None
    event: str = ""
    note: str = ""


Outcome = Succeeded | Failed | Parked
