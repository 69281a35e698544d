"""The columns of a kind of row in files, and how their values are read from YAML and JSON or from a CSV's cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from typing import Any

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON

TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
DEFINITION = "workflow_definition"
DEFINITION_FILE = "definition_file"
FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet would calculate. Such a text gets one more quote in a CSV, and loses one when it is read."""

EXPONENT = 1e16
"""From here on Python writes 1e+16, which JSONB hands back as a whole number."""


class Type(Enum):
    TEXT = "text"
    REFERENCE = "the name of another row, or none"
    JSON = "json"
    TRUTH = "truth"
    NUMBER = "number"
    TIME = "time"
    TAGS = "tags"


TEXTS = (Type.TEXT, Type.REFERENCE)


@dataclass(frozen=True)
class Layout:
    """What rows of a kind look like in files. `wrap` makes the values of a row of what a file holds, and says whether
    that was a bare definition.
    """

    kind: str
    plural: str
    columns: Mapping[str, Type]
    wrap: Callable[[dict[str, JSON]], tuple[dict[str, JSON], bool]] = field(default=lambda found: (found, False))

    def unknown(self, names: Sequence[str], *more: str) -> list[tuple[str, str]]:
        """Each name that is no column, and a line about it with the one that may have been meant."""
        known = [*self.columns, *more]
        return [(name, _no_column(self.kind, name, known)) for name in names if name not in known]


def _no_column(kind: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name.strip().lower().replace(" ", "_"), known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return f"A {kind} has no {name!r}. {hint}"


def from_value(kind: Type, value: JSON) -> Any:
    """The value of a YAML or JSON file. Raises ValueError with the cure."""
    if kind is Type.TEXT and not isinstance(value, str) or kind is Type.REFERENCE and not isinstance(value, str | None):
        raise ValueError("Give a text; put a number or a truth in quotes.")
    if kind is Type.TRUTH and not isinstance(value, bool):
        raise ValueError("Give true or false.")
    if kind is Type.NUMBER and (isinstance(value, bool) or not isinstance(value, int | None)):
        raise ValueError("Give a whole number.")
    if kind is Type.TIME and value is not None:
        return _time(value)
    return value


def from_cell(kind: Type, cell: str) -> Any:
    """The value of a CSV's cell that is not empty. Raises ValueError with the cure."""
    if kind in TEXTS:
        return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
    cell = cell.strip()
    if kind is Type.TRUTH:
        if cell.lower() not in TRUTHS:
            raise ValueError(f"Give true or false, not {cell!r}.")
        return TRUTHS[cell.lower()]
    if kind is Type.NUMBER:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", cell):
            raise ValueError(f"Give a whole number, not {cell!r}.")
        return int(cell)
    if kind is Type.TIME:
        return _time(cell)
    if kind is Type.TAGS and not cell.startswith("["):
        return [tag.strip() for tag in cell.split(";") if tag.strip()]
    return safe_json.parse(cell)


def to_value(kind: Type, value: Any) -> JSON:
    """As a YAML or JSON file holds it."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def to_cell(kind: Type, value: Any) -> str:
    """As a CSV's cell holds it; None is an empty one."""
    if value is None:
        return ""
    if kind in (Type.JSON, Type.TAGS):
        return safe_json.dumps_as_is(value)
    if kind is Type.TRUTH:
        return "true" if value else "false"
    text = str(to_value(kind, value))
    return f"'{text}" if kind in TEXTS and FORMULA.match(text) else text


def is_empty(kind: Type, cell: str) -> bool:
    """Only a text may consist of spaces."""
    return not cell if kind in TEXTS else not cell.strip()


def _time(value: JSON) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"Give a time such as 2030-01-31T09:00:00+00:00, not {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same in a row: 1, 1.0 and true do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float) and type(one) is not type(other):
        return abs(one) >= EXPONENT and float(one) == float(other)
    return bool(one == other)
