"""What a file holds: records with their places, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON


@dataclass(frozen=True)
class Problem:
    """One fault of one file; `line` None where a file has no lines, or the fault is the file's."""

    file: str
    line: int | None
    message: str
    field: str = ""

    @property
    def place(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.field + ': ' if self.field else ''}{self.message}"

    def as_json(self) -> dict[str, JSON]:
        return {"file": self.file, "line": self.line, "field": self.field, "message": self.message}


class ImportRefused(Exception):
    """Nothing was imported; every problem says where and why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


def _nowhere(path: tuple[str, ...]) -> int | None:
    return None


@dataclass
class Record:
    """One row as a file gives it: `values` has only the columns that the file names.

    `locate` tells the line of a part of it. `bare`: the record is a definition, not a row that has one.
    """

    file: str
    line: int
    values: dict[str, Any]
    locate: Callable[[tuple[str, ...]], int | None] = field(default=_nowhere, repr=False)
    bare: bool = False

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    def problem(self, message: str, path: str = "") -> Problem:
        """A fault of a field such as `workflow_definition.tasks.greet`, at the nearest line that can be told."""
        parts = tuple(part for part in path.replace("[", ".").replace("]", "").split(".") if part)
        if self.bare and parts[:1] == ("workflow_definition",):
            parts = parts[1:]
        line = self.locate(parts) if parts else self.line
        return Problem(self.file, line or self.line, message, path)

    def problems_of(self, error: HighwayError) -> list[Problem]:
        """What a verb refused, field by field."""
        told = [self.problem(part.message, part.field) for part in error.field_errors]
        return told or [self.problem(error.message)]
