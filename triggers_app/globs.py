"""Globs: `*` stands for any run of characters, `?` for any one character, everything else for itself.

Matching takes time linear in the text: a pattern of stars is a chain of substring searches, and one with `?`
is given to re2, which never backtracks. Case counts. In a text without `*` and `?` nothing is special, so a
backslash needs no care there; in a pattern `\\*`, `\\?` and `\\\\` stand for the character itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import re2

MAX_LENGTH = 1_000


class _Any(Enum):
    RUN = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern. `exact` is the text it stands for when nothing in it is variable, else None."""

    pattern: str
    exact: str | None
    prefix: str
    middle: tuple[str, ...] = ()
    suffix: str = ""
    program: Any = field(default=None, compare=False, repr=False)

    def matches(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        if self.exact is not None:
            return text == self.exact
        return self._matches_program(text) if self.program is not None else self._matches_stars(text)

    def _matches_program(self, text: str) -> bool:
        try:
            return self.program.fullmatch(text) is not None
        except UnicodeEncodeError:  # a lone surrogate is no character
            return False

    def _matches_stars(self, text: str) -> bool:
        end = len(text) - len(self.suffix)
        at = len(self.prefix)
        if end < at or not text.startswith(self.prefix) or not text.endswith(self.suffix):
            return False
        for piece in self.middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


def is_glob(text: str) -> bool:
    return "*" in text or "?" in text


def compile_glob(pattern: str) -> Glob:
    """Raises ValueError with the cure when the pattern is longer than MAX_LENGTH characters."""
    if not is_glob(pattern):
        return Glob(pattern, pattern, pattern)
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"This glob has {len(pattern)} characters; use at most {MAX_LENGTH}.")
    tokens = list(_tokens(pattern))
    variable = [token for token in tokens if isinstance(token, _Any)]
    literal = "".join(token for token in tokens if isinstance(token, str))
    if not variable:
        return Glob(pattern, literal, literal)
    if _Any.ONE in variable:
        return Glob(pattern, None, _first_literal(tokens), program=_program(tokens))
    return _stars(pattern, tokens)


def _tokens(pattern: str) -> Iterator[str | _Any]:
    """Single characters and wildcards, with escapes taken off."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and pattern[at + 1 : at + 2] in ("*", "?", "\\"):
            yield pattern[at + 1]
            at += 2
            continue
        yield _Any(char) if char in "*?" else char
        at += 1


def _first_literal(tokens: list[str | _Any]) -> str:
    prefix = []
    for token in tokens:
        if isinstance(token, _Any):
            break
        prefix.append(token)
    return "".join(prefix)


def _stars(pattern: str, tokens: list[str | _Any]) -> Glob:
    pieces: list[list[str]] = [[]]
    for token in tokens:
        if isinstance(token, _Any):
            pieces.append([])
        else:
            pieces[-1].append(token)
    texts = ["".join(piece) for piece in pieces]
    return Glob(pattern, None, texts[0], tuple(text for text in texts[1:-1] if text), texts[-1])


def _program(tokens: list[str | _Any]) -> Any:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    source = "".join(
        (".*" if token is _Any.RUN else ".") if isinstance(token, _Any) else re2.escape(token) for token in tokens
    )
    return re2.compile(source, options)
