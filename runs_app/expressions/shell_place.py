"""Where a scanner of shell text stands, and how it puts a value there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .shell_rules import Command, Finding, Word

MARK = "\0"  # stands for a value in the scanned text; no command can hold NUL itself
DEEPEST = 30
IN_TEST = "stands inside `[[ … ]]`"


class Unsure(Exception):
    """The reading is not certain; the text says why."""


@dataclass(frozen=True)
class Problem:
    """The reference, by its number, that cannot be placed, and why."""

    reference: int
    message: str


@dataclass
class HereDocument:
    delimiter: str
    strips_tabs: bool
    is_quoted: bool
    command: Command
    pipeline: list[Command]


@dataclass
class Frame:
    """Where a list of commands stands: the script itself, or one substitution."""

    is_inner: bool
    waits_outside: bool  # a here-document of an outer frame has yet to begin
    word: Word | None = None
    command: Command = field(default_factory=Command)
    pipeline: list[Command] = field(default_factory=list)
    waiting: list[HereDocument] = field(default_factory=list)
    parentheses: int = 0
    in_test: bool = False  # between `[[` and `]]`
    redirection: str = ""  # the operator whose word comes next


class Placing:
    """A position in the text, the output so far, and what was found wrong. `variables[n]` belongs to the n-th value."""

    def __init__(self, text: str, variables: list[str]) -> None:
        self.text = text
        self.variables = variables
        self.at = 0
        self.end = len(text)
        self.copied = 0
        self.seen = 0
        self.depth = 0
        self.forbidden = ""
        self.printed: list[int] = []
        self.out: list[str] = []
        self.problems: list[Problem] = []
        self.doubts: list[str] = []
        self.frame = Frame(is_inner=False, waits_outside=False)

    def place(self, before: str, after: str) -> None:
        """Put the value that stands here into the output, inside its quotes."""
        self.out += [self.text[self.copied : self.at], before, self.variables[self.seen], after]
        if reason := self.forbidden or (IN_TEST if self.frame.in_test else ""):
            self.refuse(self.seen, reason)
        if self.frame.word is not None:
            word = self.frame.word
            word.prefix = word.text if word.prefix is None else word.prefix
            word.references.append(self.seen)
        self.seen += 1
        self.at += 1
        self.copied = self.at

    def refuse(self, number: int, reason: str) -> None:
        self.problems.append(Problem(number, f"{reason}, where it would not stay one literal word."))

    def report(self, found: Iterable[Finding]) -> None:
        for word, name in found:
            for number in word.references:
                self.problems.append(Problem(number, f"would become part of what {name} evaluates."))

    @contextmanager
    def forbid(self, reason: str) -> Iterator[None]:
        outer, self.forbidden = self.forbidden, self.forbidden or reason
        yield
        self.forbidden = outer

    @contextmanager
    def inside(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unsure("it is nested too deeply")
        yield
        self.depth -= 1

    def current(self) -> Word:
        if self.frame.word is None:
            self.frame.word = Word()
        return self.frame.word

    def literal(self, text: str) -> None:
        self.current().parts.append(text)

    def dynamic(self) -> None:
        word = self.current()
        word.prefix = word.text if word.prefix is None else word.prefix
        word.is_dynamic = True

    def no_split(self) -> None:
        if self.text.startswith("\\\n", self.at):
            raise Unsure("an operator is split by a line continuation")

    def no_line_end(self, start: int, stop: int) -> None:
        waits = self.frame.waiting or self.frame.waits_outside
        if waits and self.text.find("\n", start, stop) >= 0:
            raise Unsure("a quoted line ends while a here-document waits")

    def skip_refusing(self, stop: int, reason: str) -> None:
        self.no_line_end(self.at, stop)
        with self.forbid(reason):
            while (mark := self.text.find(MARK, self.at, stop)) >= 0:
                self.at = mark
                self.place("", "")
        self.at = stop
