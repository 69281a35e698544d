"""CSV as spreadsheets write it: a heading, cells over several lines, one of three separators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from highway_automation.base.bulk.columns import DEFINITION, DEFINITION_FILE, Layout, Type, from_cell, is_empty
from highway_automation.base.bulk.records import Problem
from highway_automation.base.bulk.sources import Unreadable

LONGEST_CELL = 4 * 1024 * 1024
MOST_COLUMNS = 200


@dataclass
class Row:
    """One row; `line` is where it starts, however many lines its cells take."""

    file: str
    line: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def rows_of(file: str, text: str, layout: Layout) -> Iterator[Row]:
    """The rows below the heading; an empty cell is a value that is not given. Raises Unreadable."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    line = 1
    try:
        heading = _heading(file, next(reader, []), layout)
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                yield _row(Row(file, line), heading, cells, layout)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(file, f"Not CSV: {error}.", line) from None


def _separator(text: str) -> str:
    first = text.partition("\n")[0]
    return next((mark for mark in ",;\t" if mark in first), ",")


def _heading(file: str, names: list[str], layout: Layout) -> list[str]:
    names = [name.strip() for name in names]
    more = (DEFINITION_FILE,) if DEFINITION in layout.columns else ()
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise Unreadable(file, f"The heading names {len(names)} columns; at most {MOST_COLUMNS} are read.", 1)
    told = [told for _name, told in layout.unknown(names, *more)]
    told += [f"The column {name!r} is there twice." for name in _twice(names)]
    if "name" not in names:
        told.append(f"There is no column name. The columns are {', '.join([*layout.columns, *more])}.")
    if told:
        raise Unreadable(file, " ".join(told), 1)
    return names


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _row(row: Row, heading: list[str], cells: list[str], layout: Layout) -> Row:
    if len(cells) < len(heading) or any(cells[len(heading) :]):
        told = f"the row has {len(cells)} cells, the heading {len(heading)}; put quotes around a cell with a comma."
        row.problems.append(Problem(row.file, row.line, told))
    for name, cell in zip(heading, cells, strict=False):
        kind = layout.columns.get(name, Type.TEXT)
        if is_empty(kind, cell):
            continue
        try:
            row.values[name] = from_cell(kind, cell)
        except ValueError as error:
            row.problems.append(Problem(row.file, row.line, str(error), name))
    return row
