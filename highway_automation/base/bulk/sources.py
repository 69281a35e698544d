"""Where the texts of an import come from: the operator's files, or what was uploaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from highway_automation.base.bulk.records import Problem

MOST_UPLOADED = 50_000
"""Records of one upload: it is read while somebody waits, and a thread of the web process with them."""


class Unreadable(Exception):
    """A file that cannot be read; holds the problem."""

    def __init__(self, file: str, message: str, line: int | None = None) -> None:
        self.problem = Problem(file, line, message)
        super().__init__(str(self.problem))


class Source(Protocol):
    """`trusted`: programs among the files run with the operator's own rights. `most`: the records that are read."""

    trusted: bool
    most: int | None

    def files(self, suffixes: Iterable[str]) -> list[str]:
        """The files to import, those of folders included. Raises Unreadable."""

    def beside(self, file: str, named: str) -> str:
        """The file that `file` names. Raises Unreadable."""

    def text(self, file: str) -> str:
        """Raises Unreadable."""


@dataclass
class OnDisk:
    """Files and folders that the operator names."""

    paths: list[Path]
    trusted: bool = True
    most: int | None = None

    def files(self, suffixes: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(str(file) for path in self.paths for file in _below(path, tuple(suffixes))))

    def beside(self, file: str, named: str) -> str:
        return str(Path(file).parent / named)

    def text(self, file: str) -> str:
        try:
            return decoded(file, Path(file).read_bytes())
        except OSError as error:
            raise Unreadable(file, f"{error.strerror}.") from None


def _below(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
        if not found:
            raise Unreadable(str(path), f"no file ends with {', '.join(suffixes)}.")
        return found
    if path.suffix.lower() not in suffixes:
        raise Unreadable(str(path), f"give a file that ends with {', '.join(suffixes)}.")
    return [path]


@dataclass
class Uploaded:
    """Files that somebody sent. They can name each other and nothing else; a file that another names is no row."""

    contents: Mapping[str, str]
    trusted: bool = False
    most: int | None = MOST_UPLOADED
    _named: set[str] = field(default_factory=set)

    def files(self, suffixes: Iterable[str]) -> list[str]:
        allowed = tuple(suffixes)
        for file in self.contents:
            if PurePosixPath(file).suffix.lower() not in allowed:
                raise Unreadable(file, f"give a file that ends with {', '.join(allowed)}.")
        tables_first = sorted(self.contents, key=lambda file: not file.lower().endswith(".csv"))
        return [file for file in tables_first if file not in self._named]

    def beside(self, file: str, named: str) -> str:
        if named not in self.contents:
            raise Unreadable(file, f"{named} was not uploaded with it.")
        self._named.add(named)
        return named

    def is_named(self, file: str) -> bool:
        return file in self._named

    def text(self, file: str) -> str:
        return self.contents[file]


def decoded(file: str, data: bytes) -> str:
    """The text of a file, without the mark that some programs put before it. Raises Unreadable."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(file, f"not UTF-8: {error.reason} at byte {error.start}.", line) from None
