"""Quotes and expansions of the shell, as far as they decide how a value must be written."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from .shell_place import IN_TEST, MARK, Frame, Placing, Unsure

_PLAIN_QUOTED = re.compile(r"[^\0\\\"`$\n]+")
_BACKTICKS = re.compile(r"`[^`\\]*(?:\\.[^`\\]*)*`", re.DOTALL)
_SIMPLE_PARAMETER = re.compile(r"\$\{[#!]?(?:\w+|[@*#?$!-])\}")
_EXPANSION = re.compile(r"\$(?:[A-Za-z_]\w*|[@*#?$!0-9-])?")
_NOT_ARITHMETIC = re.compile(r"['\"\\`]|<<|(?<![\w{$])#|\bcase\b|\$\{(?![#!]?\w+\})")


class Quoting(Placing, ABC):
    """Reads quoted texts and expansions; the commands inside a substitution are left to `commands`."""

    @abstractmethod
    def commands(self) -> None:
        """Read commands up to the end of the text, or up to the parenthesis that closes a substitution."""

    # Quotes

    def value(self) -> None:
        self.current()
        self.place('"$', '"')

    def backslash(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == MARK:
            self.at += 1
            self.refuse(self.seen, "stands right after a backslash")
            self.value()
            return
        if following != "\n":
            self.literal(following)
            self.current().is_quoted = True
        self.at += 2

    def single(self) -> None:
        stop = self.text.find("'", self.at + 1, self.end)
        if stop < 0:
            raise Unsure("a single quote is not closed")
        self.no_line_end(self.at, stop)
        self.current().is_quoted = True
        self.at += 1
        while (mark := self.text.find(MARK, self.at, stop)) >= 0:
            self.literal(self.text[self.at : mark])
            self.at = mark
            self.place("'\"$", "\"'")
        self.literal(self.text[self.at : stop])
        self.at = stop + 1

    def double(self) -> None:
        self.current().is_quoted = True
        self.at += 1
        while self.at < self.end:
            if self.text[self.at] == '"':
                self.at += 1
                return
            self.quoted_part()
        raise Unsure("a double quote is not closed")

    def quoted_part(self) -> None:
        """One piece of a double-quoted text or of an unquoted here-document."""
        if plain := _PLAIN_QUOTED.match(self.text, self.at, self.end):
            self.literal(plain.group())
            self.at = plain.end()
            return
        char = self.text[self.at]
        if char == MARK:
            self.place("${", "}")
        elif char == "`":
            self.backticks()
        elif char == "$":
            self.dollar(quoted=True)
        elif char == "\\":
            self.quoted_backslash()
        else:
            self.no_line_end(self.at, self.at + 1)
            self.literal(char)
            self.at += 1

    def quoted_backslash(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == MARK:
            self.at += 1
            self.refuse(self.seen, "stands right after a backslash")
            self.place("${", "}")
            return
        self.literal(following if following in '$`"\\' else "\\" + following)
        self.at += 2

    def backticks(self) -> None:
        found = _BACKTICKS.match(self.text, self.at, self.end)
        if found is None:
            raise Unsure("a backtick is not closed")
        self.dynamic()
        self.skip_refusing(found.end(), "stands inside backticks")

    # Expansions

    def dollar(self, quoted: bool = False) -> None:
        following = self.text[self.at + 1 : self.at + 3]
        if following.startswith(MARK):
            self.refuse(self.seen, "stands right after a `$`")
            self.at += 1
            self.place('"', '"')
        elif following == "((":
            self.dynamic()
            self.at += 1
            self.arithmetic(2)
        elif following.startswith("("):
            self.dynamic()
            self.at += 1
            self.substitution()
        elif following.startswith("{"):
            self.dynamic()
            self.parameter(quoted)
        elif following.startswith("["):
            raise Unsure("`$[…]` is arithmetic to some shells")
        elif following.startswith(("'", '"')) and not quoted:
            self.dollar_quote(following[0])
        else:
            self.expansion()
            self.no_split()

    def expansion(self) -> None:
        found = _EXPANSION.match(self.text, self.at, self.end)
        assert found is not None  # noqa: S101 - a `$` stands here
        if found.group() == "$":
            self.literal("$")
        else:
            self.dynamic()
        self.at = found.end()

    def dollar_quote(self, quote: str) -> None:
        self.dynamic()
        self.at += 1
        if quote == '"':
            with self.forbid('stands inside `$"…"`'):
                self.double()
            return
        stop = self.text.find("'", self.at + 1, self.end)
        if stop < 0 or self.text[stop - 1] == "\\":
            raise Unsure("shells disagree about where this `$'…'` ends")
        self.skip_refusing(stop + 1, "stands inside `$'…'`")

    def substitution(self) -> None:
        """The commands of `$(…)`, `<(…)` or `>(…)`; the opening parenthesis stands here."""
        outer, first = self.frame, self.seen
        self.at += 1
        self.no_split()
        with self.inside(), self.forbid(IN_TEST if outer.in_test else ""):
            self.frame = Frame(is_inner=True, waits_outside=bool(outer.waiting) or outer.waits_outside)
            self.commands()
        self.frame = outer
        self.current().references += range(first, self.seen)
        self.current().is_output |= self.seen > first

    def parameter(self, quoted: bool) -> None:
        """`${…}` as the shell's own; values inside are refused."""
        if simple := _SIMPLE_PARAMETER.match(self.text, self.at, self.end):
            self.at = simple.end()
            return
        self.at += 2
        if self.text[self.at : self.at + 1] in (" ", "\t", "\n", "|"):
            raise Unsure("`${ …}` runs commands in some shells")
        with self.inside(), self.forbid("stands inside `${…}`"):
            while self.at < self.end:
                if self.text[self.at] == "}":
                    self.at += 1
                    return
                self.parameter_part(quoted)
        raise Unsure("`${` is not closed")

    def parameter_part(self, quoted: bool) -> None:
        char = self.text[self.at]
        if char in "'\"" and quoted:
            raise Unsure('quotes inside `"${…}"` are read differently by different shells')
        if char == MARK:
            self.place("", "")
        elif char == "\\" and self.text[self.at + 1 : self.at + 2] != MARK:
            self.at += 2
        elif char == "$":
            self.dollar(quoted)
        elif char == "`":
            self.backticks()
        elif char == "'":
            self.single()
        elif char == '"':
            self.double()
        else:
            self.no_line_end(self.at, self.at + 1)
            self.at += 1

    def arithmetic(self, depth: int) -> None:
        """`$((…))` or `((…))`, its first parenthesis standing here. Shells may also read it as nested commands."""
        start = self.at
        self.at += depth
        with self.forbid("stands inside arithmetic"):
            while depth:
                if self.at >= self.end:
                    raise Unsure("`((` is not closed")
                char = self.text[self.at]
                depth += (char == "(") - (char == ")")
                if char == MARK:
                    self.place("", "")
                    continue
                self.at += 1
                if depth == 1 and not self.text.startswith(")", self.at):
                    raise Unsure("`((` may be arithmetic or commands")
        self.no_line_end(start, self.at)
        if _NOT_ARITHMETIC.search(self.text, start, self.at):
            raise Unsure("`((` may be arithmetic or commands")
