"""Files as records of a kind: YAML, JSON, CSV, and programs where the kind has them. Every fault is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from highway_automation.base.bulk import json_lines
from highway_automation.base.bulk.columns import DEFINITION, DEFINITION_FILE, Layout, from_value
from highway_automation.base.bulk.records import Problem, Record
from highway_automation.base.bulk.sources import Source, Unreadable
from highway_automation.base.bulk.tables import Row, rows_of
from highway_automation.base.safe_json import JSON, UnsafeJSON, parse
from highway_automation.base.safe_yaml import Document, Node, SequenceNode, UnsafeYAML, children, documents, line_of

Compile = Callable[[str, str, bool], list[JSON]]
"""(text, file, trusted) → the definitions that a program builds. Raises Unreadable."""
Locate = Callable[[tuple[str, ...]], int | None]
Found = tuple[JSON, int, Locate]


@dataclass
class Reading:
    """Reads the files of one import. `compile`: what makes definitions of programs (None: there are none)."""

    source: Source
    layout: Layout
    compile: Compile | None = None
    problems: list[Problem] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    seen: int = 0

    @property
    def suffixes(self) -> tuple[str, ...]:
        return (".json", ".yaml", ".yml", *((".py",) if self.compile else ()), ".csv")

    def run(self) -> Reading:
        try:
            files = self.source.files(self.suffixes)
        except Unreadable as error:
            self.problems.append(error.problem)
            return self
        for file in files:
            if not getattr(self.source, "is_named", lambda file: False)(file):
                self._read(file)
        return self

    def _read(self, file: str) -> None:
        try:
            if file.lower().endswith(".csv"):
                self._read_table(file)
            else:
                for found, line, locate in self._found(file):
                    self._add(file, found, line, locate)
        except Unreadable as error:
            self.problems.append(error.problem)

    def _found(self, file: str) -> Iterator[Found]:
        text, suffix = self.source.text(file), PurePosixPath(file).suffix.lower()
        if suffix == ".py" and self.compile:
            yield from ((found, 1, _line_one) for found in self.compile(text, file, self.source.trusted))
        elif suffix == ".json":
            yield from from_json(file, text, self.layout.plural)
        else:
            yield from from_yaml(file, text, self.layout.plural)

    def _add(self, file: str, found: JSON, line: int, locate: Locate) -> None:
        if not isinstance(found, dict):
            told = [Problem(file, line, f"a {self.layout.kind} is an object with a name.")]
            self._take(Record(file, line, {}), told)
            return
        values, bare = self.layout.wrap(found)
        record = Record(file, line, {}, locate, bare)
        problems = [record.problem(told, name) for name, told in self.layout.unknown(list(values))]
        for name, value in values.items():
            if name not in self.layout.columns:
                continue
            try:
                record.values[name] = from_value(self.layout.columns[name], value)
            except ValueError as error:
                problems.append(record.problem(str(error), name))
        self._take(record, problems)

    def _take(self, record: Record, problems: list[Problem]) -> None:
        """A record with a fault of its own is told once; nothing further is asked of it. Raises Unreadable: one more
        than the source may have.
        """
        self.seen += 1
        if self.source.most is not None and self.seen > self.source.most:
            told = f"More than {self.source.most} {self.layout.plural} are too many for one upload."
            raise Unreadable(record.file, f"{told} Split it, or import it on the server with manage.py.", record.line)
        self.problems += problems
        if not problems:
            self.records.append(record)

    def _read_table(self, file: str) -> None:
        for row in rows_of(file, self.source.text(file), self.layout):
            if named := row.values.pop(DEFINITION_FILE, None):
                self._take_definition(row, named)
            self._take(Record(file, row.line, row.values), row.problems)

    def _take_definition(self, row: Row, named: str) -> None:
        try:
            if DEFINITION in row.values:
                raise Unreadable(row.file, f"Give either {DEFINITION} or {DEFINITION_FILE}.")
            beside = self.source.beside(row.file, named)
            suffix = PurePosixPath(beside).suffix.lower()
            if suffix == ".csv" or suffix not in self.suffixes:
                raise Unreadable(row.file, f"{named} is no definition file.")
            found = [value for value, _line, _locate in self._found(beside)]
            if len(found) != 1 or not isinstance(found[0], dict):
                raise Unreadable(row.file, f"{named} holds {len(found)} definitions; one is wanted.")
            row.values[DEFINITION] = found[0].get(DEFINITION, found[0])
        except Unreadable as error:
            told = error.problem.message if error.problem.file == row.file else str(error)
            row.problems.append(Problem(row.file, row.line, told, DEFINITION_FILE))


def _line_one(path: tuple[str, ...]) -> int:
    return 1


def from_yaml(file: str, text: str, plural: str) -> Iterator[Found]:
    """Each record of each document: a list's items, those of an object's list named `plural`, or the whole."""
    try:
        for document in documents(text):
            for node in _yaml_records(document.root, plural):
                yield document_value(document, node, file), line_of(node), partial(_yaml_line, node)
    except UnsafeYAML as error:
        raise Unreadable(file, str(error), error.line) from None


def document_value(document: Document, node: Node, file: str) -> JSON:
    try:
        return document.value(node)
    except UnsafeJSON as error:
        raise Unreadable(file, str(error), line_of(node)) from None


def _yaml_records(root: Node, plural: str) -> list[Node]:
    listed = root if not isinstance(root.value, list) else (children(root, plural)[1] or root)
    if isinstance(listed, SequenceNode):
        return list(listed.value)
    return [] if root.tag == "tag:yaml.org,2002:null" else [root]


def _yaml_line(node: Node, path: tuple[str, ...]) -> int:
    mark = node
    for part in path:
        key, inner = children(node, part)
        if inner is None:
            break
        node, mark = inner, key or inner
    return line_of(mark)


def from_json(file: str, text: str, plural: str) -> Iterator[Found]:
    try:
        whole = parse(text)
    except UnsafeJSON as error:
        raise Unreadable(file, str(error), error.line) from None
    lines = json_lines.Lines(text)
    offset = json_lines.start(text)
    if twice := json_lines.doubled(text, offset):
        raise Unreadable(file, f"{twice[0]!r} stands twice.", lines.at(twice[1]))
    values: Mapping[str, JSON] = {"": whole}
    offsets = {"": offset}
    if isinstance(whole, dict) and isinstance(whole.get(plural), list):
        offset = next(value for name, _at, value in json_lines.parts(text, offset) if name == plural)
        whole = whole[plural]
    if isinstance(whole, list):
        values = {str(number): value for number, value in enumerate(whole)}
        offsets = {name: value for name, _at, value in json_lines.parts(text, offset)}
    for name, value in values.items():
        at = offsets[name]
        yield value, lines.at(at), partial(_json_line, text, lines, at)


def _json_line(text: str, lines: json_lines.Lines, offset: int, path: tuple[str, ...]) -> int:
    return lines.at(json_lines.find(text, offset, path))
