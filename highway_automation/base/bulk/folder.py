"""A folder with one YAML file for each row: a change of a row is a change of its file, and nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from highway_automation.base.bulk.columns import Layout
from highway_automation.base.bulk.writing import as_yaml

SAFE = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}")
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
"""Names that some systems keep for devices."""


@dataclass(frozen=True)
class Written:
    """How many rows there are; how many of their files changed, and how many of others were removed."""

    rows: int
    changed: int
    removed: int


def heading(layout: Layout) -> str:
    """The first line of every exported file: only a file that begins so is ever removed."""
    return f"# A {layout.kind} of Highway Automation; import_{layout.plural} reads it.\n"


def file_name(name: str) -> str:
    """The name itself where every file system takes it, else what is left of it and a hash that keeps it apart."""
    if SAFE.fullmatch(name) and not RESERVED.fullmatch(name):
        return f"{name}.yaml"
    left = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:60]
    return f"{left or 'row'}.{hashlib.sha256(name.encode()).hexdigest()[:12]}.yaml"


def write_folder(folder: Path, layout: Layout, rows: Iterable[Mapping[str, Any]]) -> Written:
    """Make `folder` hold these rows and none exported earlier that are gone. Files of other origin stay.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {file_name(row["name"]): heading(layout) + as_yaml(layout, row) for row in rows}
    changed = 0
    for name, text in contents.items():
        changed += _put(folder / name, text.encode())
    gone = [file for file in folder.glob("*.yaml") if file.name not in contents and _is_ours(file, layout)]
    for file in gone:
        file.unlink()
    return Written(len(contents), changed, len(gone))


def _put(file: Path, data: bytes) -> bool:
    if file.is_file() and file.read_bytes() == data:
        return False
    file.write_bytes(data)
    return True


def _is_ours(file: Path, layout: Layout) -> bool:
    with file.open("rb") as opened:
        return opened.readline() == heading(layout).encode()
