"""References in Python source: a value becomes a literal, or text inside a plain string literal, and nothing else."""

from __future__ import annotations

import ast
import io
import itertools
import re
import threading
import token as token_types
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from highway_automation.base.safe_json import JSON

from . import code_calls
from .errors import BindError, ExpressionError, Issue, TemplateError
from .names import Lookup
from .resolve import check_reference, fetch
from .template import Reference, parse_template
from .values import text_of

CURE = "Assign it to a variable first (`value = ${…}`) and use that; write `{{{{` for literal braces."

_LITERAL = re.compile(r"(?i:[rbuft]*)(?P<quote>'''|\"\"\"|'|\")")
_COOKIE = re.compile(
    r"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*(?!utf-?8|us-ascii|ascii|latin-1|iso-8859)[-\w.]", re.IGNORECASE
)
_WARNINGS = threading.Lock()
_STARTS_F = {getattr(token_types, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(token_types, name)}
_ENDS_F = {getattr(token_types, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(token_types, name)}


@dataclass(frozen=True)
class Place:
    """Where a reference stands in the source with its stand-in: as a value, in a literal, or nowhere it may (`why`)."""

    number: int
    start: int
    end: int
    in_literal: bool = False
    why: str = ""
    cure: str = CURE


def bind_code(code: str, lookup: Lookup) -> str:
    """The source with its references replaced by literals or by escaped text.

    Raises BindError for a reference in an f-string, a raw or bytes literal, a comment, a place that is no value's, an
    argument that is read as code again, or in source that cannot be parsed; MissingName for a missing name.
    """
    pieces = [
        text_of(fetch(piece, lookup)) if isinstance(piece, Reference) and piece.raw else piece
        for piece in parse_template(code).pieces
    ]
    bound = [piece for piece in pieces if isinstance(piece, Reference)]
    if not bound:
        return "".join(str(piece) for piece in pieces)
    source = _Source(pieces)
    parts, done = [], 0
    for place in source.places():
        reference = bound[place.number]
        if place.why:
            raise BindError(f"`{reference.source}` {place.why}.", place.cure)
        value = fetch(reference, lookup)
        parts += [source.text[done : place.start], escaped(text_of(value)) if place.in_literal else literal(value)]
        done = place.end
    return "".join(parts) + source.text[done:]


def check_code(text: str) -> list[Issue]:
    """What is wrong with the references of Python source, as far as it can be known without their values."""
    try:
        pieces = parse_template(text).pieces
    except TemplateError as error:
        return [Issue(str(error))]
    references = [piece for piece in pieces if isinstance(piece, Reference)]
    issues = [issue for reference in references for issue in check_reference(reference)]
    if any(reference.raw for reference in references):
        return issues  # what it splices decides how the rest reads
    try:
        places = _Source(list(pieces)).places() if references else []
    except BindError as error:
        return [*issues, Issue(str(error))]
    return issues + [
        Issue(f"`{references[place.number].source}` {place.why}.", place.cure) for place in places if place.why
    ]


def literal(value: JSON) -> str:
    """The value as a Python literal in ASCII, in parentheses so that it stays one operand."""
    try:
        return f"({ascii(value)})"
    except (ValueError, RecursionError) as error:
        raise ExpressionError(f"The value cannot be written as a literal: {error}.") from None


def escaped(text: str) -> str:
    """The text as it is written inside any plain string literal, whatever its quotes, in ASCII."""
    inner = text.encode("unicode_escape", "surrogatepass").decode("ascii").replace("'", "\\'").replace('"', '\\"')
    return f"\\x{ord(inner[0]):02x}{inner[1:]}" if inner[:1] in tuple("01234567") else inner


class _Source:
    """Python source in which each reference is a name that occurs nowhere else."""

    def __init__(self, pieces: list[str | Reference]) -> None:
        literals = "".join(piece for piece in pieces if isinstance(piece, str))
        self.stem = "nwvalue_"  # its first letter makes a valid escape after a backslash
        while self.stem in literals:
            self.stem = f"nw{self.stem}"
        self.stand_in = re.compile(rf"{self.stem}(\d+)_")
        numbers = itertools.count()
        text = "".join(p if isinstance(p, str) else f"{self.stem}{next(numbers)}_" for p in pieces)
        self.count = next(numbers)
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.readers: dict[int, str] = {}
        self.values = self._values()

    def places(self) -> list[Place]:
        """A Place for every reference, in order."""
        places = list(self._found_places())
        if len(places) != self.count:
            raise _unparsable("part of it is no token")
        return places

    def _found_places(self) -> Iterator[Place]:
        depth = 0
        starts = self._line_starts()
        for token in self._tokens():
            depth += (token.type in _STARTS_F) - (token.type in _ENDS_F)
            start = starts[token.start[0] - 1] + token.start[1]
            for found in self.stand_in.finditer(token.string):
                yield self._place(token, start, found, in_f_string=depth > 0)

    def _place(self, token: tokenize.TokenInfo, start: int, found: re.Match[str], *, in_f_string: bool) -> Place:
        number = int(found[1])
        in_literal, why = False, ""
        if in_f_string:
            why = "stands inside an f-string"
        elif token.type == token_types.STRING:
            in_literal, why = True, _literal_problem(token.string, found.start())
        elif token.type == token_types.COMMENT:
            why = "stands inside a comment"
        elif token.string != found.group() or number not in self.values:
            why = "does not stand where Python takes a value"
        if not why and (reader := self.readers.get(number)):
            return Place(
                number, 0, 0, why=f"stands in an argument of {reader}, which reads it as code", cure=code_calls.CURE
            )
        return Place(number, start + found.start(), start + found.end(), in_literal, why)

    def _values(self) -> set[int]:
        """The references that stand where Python reads a value."""
        if _COOKIE.match(self.text):
            raise BindError("The code declares an encoding in which a value could read differently.", "Use UTF-8.")
        try:
            with _WARNINGS, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the author's own escapes and comparisons are not our matter
                tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise _unparsable(type(error).__name__) from None
        self.readers = {
            int(found[1]): reader
            for reader, leaf in code_calls.read_as_code(tree)
            for found in self.stand_in.finditer(str(getattr(leaf, "id", getattr(leaf, "value", ""))))
        }
        names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        return {int(found[1]) for name in names if (found := self.stand_in.fullmatch(name))}

    def _tokens(self) -> Iterator[tokenize.TokenInfo]:
        try:
            yield from tokenize.generate_tokens(io.StringIO(self.text, newline="\n").readline)
        except (tokenize.TokenError, SyntaxError) as error:
            raise _unparsable(str(error)) from None

    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts


def _unparsable(why: str) -> BindError:
    return BindError(f"The code cannot be parsed ({why}), so no value can be placed in it.", CURE)


def _literal_problem(text: str, at: int) -> str:
    """Why no text can be put into this string literal at `at`; empty where it can."""
    opening = _LITERAL.match(text)
    prefix = opening.group()[: -len(opening["quote"])].lower() if opening else "?"
    if prefix not in ("", "u"):
        kinds = {"r": "a raw string", "b": "a bytes literal", "f": "an f-string", "t": "a template string"}
        kind = next((name for letter, name in kinds.items() if letter in prefix), "a literal that cannot be read")
        return f"stands inside {kind}"
    before = text[:at]
    if (len(before) - len(before.rstrip("\\"))) % 2:
        return "stands right after a backslash"
    return ""
