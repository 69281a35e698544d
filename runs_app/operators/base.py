"""What an operator is, and what it may ask of the step it runs for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from highway_automation.base.safe_json import JSON
from runs_app.outcomes import Outcome

Task = Mapping[str, Any]


class Step(Protocol):
    """The engine's side of a step."""

    def resolve(self, value: JSON) -> JSON:
        """References replaced by their values. Raises MissingName."""

    def holds(self, condition: str) -> bool:
        """Whether a condition is true now. Raises ConditionError, MissingName."""

    def now(self) -> datetime: ...

    def call(self, tool: str, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> Outcome:
        """Run a tool with its references bound."""

    def resume(self, tool: str, state: JSON) -> Outcome:
        """Go on with a tool that parked."""


@dataclass(frozen=True)
class Operator:
    """`targets` are the steps a routing operator may choose; they never start on their own."""

    begin: Callable[[Task, Step], Outcome]
    resume: Callable[[Task, JSON, Step], Outcome] | None = None
    targets: Callable[[Task], tuple[str, ...]] = lambda task: ()
    tool: Callable[[Task], str] = lambda task: ""
