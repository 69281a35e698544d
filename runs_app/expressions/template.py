"""The grammar of references: `${path}` and `{{path}}` mean the same.

    reference = open path *( "|" filter ) close
    path      = name *( "." key | "[" index "]" | "[" quoted "]" )
    filter    = "default(" literal ")" | "raw"

`$${` and `{{{{` write a literal `${` and `{{`. Brace text that is no reference by this grammar
(`${X:-y}`, `{{.Names}}`) stays as it is. Scanning takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from highway_automation.base.safe_json import JSON

from .errors import TemplateError

Path = tuple[str | int, ...]

_OPEN = re.compile(r"\$\$\{|\{\{\{\{|\$\{|\{\{")
_PATH = re.compile(r"\s*([^\W\d]\w*(?:-\w+)*(?:\.\w+(?:-\w+)*|\[-?\d{1,9}\]|\[\"[^\"\\\n]*\"\]|\['[^'\\\n]*'\])*)\s*")
_SEGMENT = re.compile(r"\.?(\w+(?:-\w+)*)|\[(-?\d+)\]|\[\"([^\"]*)\"\]|\['([^']*)'\]")
_SHELL_DEFAULT = re.compile(r"\s*[A-Z_][A-Z0-9_]*-")
_FILTER = re.compile(
    r"""\|\s*(?:(?P<raw>raw)|default\(\s*(?:
        "(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'
        |(?P<number>-?\d{1,300}(?:\.\d{1,300})?(?:[eE][-+]?\d{1,3})?)
        |(?P<word>true|false|null|none)|(?P<list>\[\s*\])|(?P<dict>\{\s*\})
    )\s*\))\s*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LOOKS_FILTERED = {"}}": re.compile(r"\|(?!\|)[^{}]{0,300}\}\}"), "}": re.compile(r"\|(?!\|)[^{}]{0,300}\}")}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None, "none": None}
_CACHED_LENGTH = 4096


@dataclass(frozen=True)
class Reference:
    """One reference: where it points, its filters, and where it stands in the text."""

    path: Path
    source: str
    span: tuple[int, int]
    has_default: bool = False
    default: JSON = None
    raw: bool = False

    @property
    def root(self) -> str:
        return str(self.path[0])

    @property
    def name(self) -> str:
        return dotted(self.path)


@dataclass(frozen=True)
class Template:
    """A text cut into literal pieces and references, in order."""

    text: str
    pieces: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Reference))

    @property
    def sole(self) -> Reference | None:
        """The reference that is the whole text, and so keeps its value's type."""
        first = self.pieces[0] if len(self.pieces) == 1 else None
        return first if isinstance(first, Reference) else None


@dataclass
class _Filters:
    has_default: bool = False
    default: JSON = None
    raw: bool = False


def dotted(path: Path) -> str:
    """A path as its author writes it: `steps.probe.output.rows[0]`."""
    parts = [str(path[0])] if path else []
    for key in path[1:]:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        elif re.fullmatch(r"\w+(?:-\w+)*", key):
            parts.append(f".{key}")
        else:
            parts.append(f'["{key}"]')
    return "".join(parts)


def parse_template(text: str) -> Template:
    """Cut `text` into literals and references; raises TemplateError for an unknown or broken filter."""
    return _cached(text) if len(text) <= _CACHED_LENGTH else _parse(text)


def match_reference(text: str, at: int) -> Reference | None:
    """The reference that starts exactly at `at`, or None. Escapes are the caller's to look for first."""
    opener = "${" if text.startswith("${", at) else "{{" if text.startswith("{{", at) else ""
    if not opener or (opener == "${" and _SHELL_DEFAULT.match(text, at + 2)):
        return None
    close = "}" if opener == "${" else "}}"
    path = _PATH.match(text, at + 2)
    if path is None:
        return None
    filters, end = _filters(text, path.end())
    if not text.startswith(close, end):
        if _LOOKS_FILTERED[close].match(text, end):
            raise TemplateError(_bad_filter(text[at : at + 80]))
        return None
    end += len(close)
    return Reference(_keys(path.group(1)), text[at:end], (at, end), filters.has_default, filters.default, filters.raw)


def _bad_filter(source: str) -> str:
    return (
        f"`{source}` has a filter that does not exist or cannot be read; there are `| default(literal)` and `| raw`."
        " Write `$${` or `{{{{` where braces are meant literally."
    )


@lru_cache(maxsize=2048)
def _cached(text: str) -> Template:
    return _parse(text)


def _parse(text: str) -> Template:
    return Template(text, tuple(_joined(_pieces(text))))


def _pieces(text: str) -> Iterator[str | Reference]:
    done = 0
    search = 0
    while found := _OPEN.search(text, search):
        start = found.start()
        if found.group() in ("$${", "{{{{"):
            yield text[done:start] + found.group()[len(found.group()) // 2 :]
            done = search = found.end()
            continue
        reference = match_reference(text, start)
        if reference is None:
            search = start + 1
            continue
        yield text[done:start]
        yield reference
        done = search = reference.span[1]
    yield text[done:]


def _joined(pieces: Iterable[str | Reference]) -> Iterator[str | Reference]:
    """Neighbouring literals as one, empty ones left out."""
    for is_literal, group in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_literal:
            yield from group
        elif text := "".join(str(piece) for piece in group):
            yield text


def _keys(path: str) -> Path:
    keys: list[str | int] = []
    for name, index, double, single in _SEGMENT.findall(path):
        keys.append(int(index) if index else name or double or single)
    return tuple(keys)


def _filters(text: str, at: int) -> tuple[_Filters, int]:
    filters = _Filters()
    while found := _FILTER.match(text, at):
        if found["raw"]:
            filters.raw = True
        else:
            filters.has_default, filters.default = True, _literal(found)
        at = found.end()
    return filters, at


def _literal(found: re.Match[str]) -> JSON:
    quoted = found["double"] if found["double"] is not None else found["single"]
    if quoted is not None:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted, flags=re.DOTALL)
    if found["number"]:
        return float(found["number"]) if re.search(r"[.eE]", found["number"]) else int(found["number"])
    if found["word"]:
        return _WORDS[found["word"].lower()]
    return [] if found["list"] else {}
