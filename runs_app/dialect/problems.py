"""What can be wrong with a definition, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_TOLD = 100


@dataclass(frozen=True)
class Problem:
    """One finding; `path` leads to the field as its author wrote it, such as `tasks.greet.retry_policy.delay`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DefinitionError(ValueError):
    """The definition cannot be read; `problems` holds every reason, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = shortened(list(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shortened(problems: list[Problem]) -> list[Problem]:
    """At most a hundred, and a last one that counts the rest."""
    rest = len(problems) - MOST_TOLD
    return problems if rest <= 0 else [*problems[:MOST_TOLD], Problem("", f"There are {rest} more.")]


@dataclass
class Findings:
    """Collects while a definition is read: problems refuse it, notes become warnings."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def note(self, path: str, message: str) -> None:
        self.notes.append(Problem(path, message))
