"""Templates in files: JSON, YAML, Python and CSV, each entry with the place it came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from highway_automation.base import safe_json
from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON
from runs_app import dialect, dsl

SUFFIXES = (".json", ".yaml", ".yml", ".py", ".csv")
COLUMNS = ("name", "description", "workflow_definition", "input_schema", "category", "tags", "enabled")
CSV_COLUMNS = (*COLUMNS, "definition_file")


class FileRefused(Exception):
    """A file that cannot be read; the message starts with its place."""


@dataclass
class Entry:
    """One template as a file gives it: `values` has only the fields that the file names."""

    path: Path
    line: int
    values: dict[str, JSON]
    document: Document | None = None
    base: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    def place(self, field: str = "") -> str:
        """`file:line` of a field such as `workflow_definition.tasks.greet`, as near as it can be told."""
        line = self.document.line((*self.base, *self._inner(field))) if self.document and field else self.line
        return f"{self.path}:{line}"

    def _inner(self, name: str) -> tuple[str, ...]:
        parts = tuple(part for part in name.replace("[", ".").replace("]", "").split(".") if part)
        wrapped = self.document is not None and self.document.has((*self.base, "workflow_definition"))
        return parts if wrapped or parts[:1] != ("workflow_definition",) else parts[1:]


@dataclass
class Document:
    """The lines of a YAML or JSON text (JSON is YAML enough for that)."""

    text: str
    _cache: dict[tuple[str, ...], int] = field(default_factory=dict)

    @cached_property
    def _root(self) -> Node | None:
        try:
            return yaml.compose(self.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (yaml.YAMLError, RecursionError):
            return None

    def has(self, path: tuple[str, ...]) -> bool:
        return self._reach(path)[1] == len(path)

    def line(self, path: tuple[str, ...]) -> int:
        """The line of the innermost part of `path` that is there; 1 where the lines are not known."""
        node, _depth = self._reach(path)
        return node.start_mark.line + 1 if node is not None else 1

    def _reach(self, path: tuple[str, ...]) -> tuple[Node | None, int]:
        node, mark = self._root, self._root
        for depth, part in enumerate(path):
            key, node = _child(node, part)
            if node is None:
                return mark, depth
            mark = key or node
        return mark, len(path)


def _child(node: Node | None, part: str) -> tuple[Node | None, Node | None]:
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), (None, None))
    if isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return None, node.value[int(part)]
    return None, None


def entries_of(paths: Iterable[Path]) -> list[Entry]:
    """Every template of these files, and of the known files in these folders, in order. Raises FileRefused."""
    return [entry for path in paths for file in _files(path) for entry in _read(file)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise FileRefused(f"{path}: no file ends with {', '.join(SUFFIXES)}.")
        return found
    if path.suffix.lower() not in SUFFIXES:
        raise FileRefused(f"{path}: give a file that ends with {', '.join(SUFFIXES)}.")
    return [path]


def _read(path: Path) -> list[Entry]:
    readers = {".py": _from_python, ".csv": _from_csv}
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return list(readers.get(path.suffix.lower(), _from_document)(path, text))
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path}: not UTF-8: {error.reason} at byte {error.start}.") from None


def _from_python(path: Path, text: str) -> Iterator[Entry]:
    try:
        definitions = dsl.compile_all(text, str(path), trusted=True)
    except HighwayError as error:
        raise FileRefused(error.message) from None
    for definition in definitions:
        yield Entry(path, 1, _values(definition))


def _from_document(path: Path, text: str) -> Iterator[Entry]:
    try:
        value = dialect.load(text, "json" if path.suffix.lower() == ".json" else "yaml")
    except dialect.DefinitionError as error:
        raise FileRefused(f"{path}: {'; '.join(problem.message for problem in error.problems)}") from None
    document = Document(text)
    base: tuple[str, ...] = ()
    listed = value if isinstance(value, list) else None
    if isinstance(value, dict) and isinstance(value.get("templates"), list):
        listed, base = value["templates"], ("templates",)
    places = (
        [((*base, str(number)), item) for number, item in enumerate(listed)] if listed is not None else [((), value)]
    )
    for place, item in places:
        line = document.line(place)
        if not isinstance(item, dict):
            raise FileRefused(f"{path}:{line}: a template or a workflow definition is an object.")
        if "workflow_definition" in item and (unknown := item.keys() - set(COLUMNS)):
            raise FileRefused(f"{path}:{line}: a template has no {', '.join(sorted(unknown))}.")
        yield Entry(path, line, _values(item), document, place)


def _values(item: dict[str, Any]) -> dict[str, JSON]:
    """A template as it is; a bare definition becomes one of its own name, description and tags."""
    if "workflow_definition" not in item:
        item = {
            **{key: item[key] for key in ("name", "description", "tags") if item.get(key)},
            "workflow_definition": item,
        }
    definition = item["workflow_definition"]
    if "name" not in item and isinstance(definition, dict):
        item = {"name": definition.get("name", ""), **item}
    return item


def _from_csv(path: Path, text: str) -> Iterator[Entry]:
    csv.field_size_limit(4 * 1024 * 1024)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    unknown = set(reader.fieldnames or ()) - set(CSV_COLUMNS)
    if unknown or not reader.fieldnames:
        raise FileRefused(
            f"{path}:1: the columns are {', '.join(CSV_COLUMNS)}; not {', '.join(sorted(map(str, unknown)))}."
        )
    line = 2
    try:
        for row in reader:
            yield Entry(path, line, _values(_cells(path, line, row)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused(f"{path}:{line}: {error}.") from None


def _cells(path: Path, line: int, row: dict[str | Any, Any]) -> dict[str, JSON]:
    if None in row or None in row.values():
        raise FileRefused(f"{path}:{line}: the row has another number of cells than the heading.")
    values: dict[str, JSON] = {key: cell for key, cell in row.items() if cell.strip()}
    try:
        for key in {"workflow_definition", "input_schema"} & values.keys():
            values[key] = safe_json.parse(values[key])
    except safe_json.UnsafeJSON as error:
        raise FileRefused(f"{path}:{line}: {key}: {error}") from None
    if "tags" in values:
        values["tags"] = [tag.strip() for tag in values["tags"].split(";") if tag.strip()]
    if "enabled" in values:
        values["enabled"] = _truth(path, line, values["enabled"])
    if named := values.pop("definition_file", None):
        values["workflow_definition"] = _definition_in(path.parent / named, f"{path}:{line}")
    if "workflow_definition" not in values:
        raise FileRefused(f"{path}:{line}: give a workflow_definition or a definition_file.")
    return values


def _truth(path: Path, line: int, text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.strip().lower() not in words:
        raise FileRefused(f"{path}:{line}: enabled is true or false, not {text!r}.")
    return words[text.strip().lower()]


def _definition_in(file: Path, place: str) -> JSON:
    if file.suffix.lower() not in SUFFIXES or file.suffix.lower() == ".csv":
        raise FileRefused(f"{place}: {file} is no definition file.")
    found = _read(file)
    if len(found) != 1:
        raise FileRefused(f"{place}: {file} holds {len(found)} definitions; one is wanted.")
    return found[0].values["workflow_definition"]
