"""Rows as files that read back as the same rows, byte for byte the same each time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from yaml.nodes import ScalarNode

from highway_automation.base.bulk.columns import Layout, to_cell, to_value
from highway_automation.base.db.untrusted_json import Unreadable
from highway_automation.base.errors import BadRequest
from highway_automation.base.safe_json import JSON

WIDTH = 2**31 - 1
ENDLESS = re.compile(r"[^\n]+(?:\n+[^\n]+)+\n?")
LITERAL = re.compile(r"(?![ \t\n])[^\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\U00010000-\U0010ffff]*")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*")
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """No aliases; long texts line by line where that is exact; quotes around whatever any YAML could take for another
    type.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> ScalarNode:
    style = '"'
    if ENDLESS.fullmatch(text) and LITERAL.fullmatch(text) and " \n" not in text and not text.endswith(" "):
        style = "|"
    elif PLAIN.fullmatch(text) and text.lower() not in WORDS:
        style = ""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # type: ignore[no-any-return]


_Dumper.add_representer(str, _text)


def as_yaml(layout: Layout, row: Mapping[str, Any]) -> str:
    """One row as a YAML document. Raises BadRequest as `readable` does."""
    return _dump(_values(layout, row))


def all_as_yaml(layout: Layout, rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as one document: a list under the plural of their kind."""
    return _dump({layout.plural: [_values(layout, row) for row in rows]})


def _values(layout: Layout, row: Mapping[str, Any]) -> dict[str, JSON]:
    return {name: to_value(layout.columns[name], value) for name, value in readable(layout, row).items()}


def readable(layout: Layout, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row, unless SQL wrote something into it that nobody can read. Raises BadRequest naming it."""
    for name, value in row.items():
        if isinstance(value, Unreadable):
            raise BadRequest(f"{layout.kind} {row['name']}: its {name} cannot be exported. {value.reason}")
    return row


def as_csv(layout: Layout, rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as a table with every column, marked as UTF-8 for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(layout.columns)
    for row in rows:
        readable(layout, row)
        writer.writerow([to_cell(kind, row.get(name)) for name, kind in layout.columns.items()])
    return f"\ufeff{out.getvalue()}"


def _dump(value: JSON) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH))
