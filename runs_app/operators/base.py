"""What an operator is, and what it may ask of the step it runs for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from highway_automation.base.safe_json import JSON
from runs_app.outcomes import Emission, Failed, Outcome, Succeeded

Task = Mapping[str, Any]


class Came(Protocol):
    """An event that came. With an `error` what was waited for failed."""

    @property
    def payload(self) -> JSON: ...

    @property
    def error(self) -> str: ...


class Step(Protocol):
    """The engine's side of a step."""

    def resolve(self, value: JSON) -> JSON:
        """References replaced by their values. Raises MissingName."""

    def holds(self, condition: str) -> bool:
        """Whether a condition is true now. Raises ConditionError, MissingName."""

    def now(self) -> datetime: ...

    def came(self, event: str) -> Came | None:
        """The event of that name, if the step need not wait for it (any longer)."""

    def succeed(self, output: JSON) -> Succeeded | Failed:
        """A success with this output, unless it is too large to be stored."""

    def call(self, tool: str, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> Outcome:
        """Run a tool with its references bound."""

    def resume(self, tool: str, state: JSON) -> Outcome:
        """Go on with a tool that parked."""


def _itself(task: Task) -> Mapping[str, Task]:
    return {str(task["task_id"]): task}


@dataclass(frozen=True)
class Operator:
    """`targets` are the steps a routing operator may choose; they never start on their own.

    `expand` gives the steps that the engine runs for a task (in those that are not the task itself, `part_of` names
    it), `announces` the events that any end of it makes known.
    """

    begin: Callable[[Task, Step], Outcome]
    resume: Callable[[Task, JSON, Step], Outcome] | None = None
    targets: Callable[[Task], tuple[str, ...]] = lambda task: ()
    tool: Callable[[Task], str] = lambda task: ""
    expand: Callable[[Task], Mapping[str, Task]] = _itself
    announces: Callable[[Task, Succeeded | Failed], Sequence[Emission]] = lambda task, outcome: ()
