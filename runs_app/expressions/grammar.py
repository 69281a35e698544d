"""Conditions as data: the parser that makes a tree of their tokens.

    or        = and *( "or" and )                 ("||", "&&" and "!" are accepted too)
    and       = not *( "and" not )
    not       = "not" not | comparison
    comparison = sum *( ( "==" "!=" "<" "<=" ">" ">=" "in" "not in" "contains" "not contains" ) sum )
    sum       = product *( ("+" | "-") product )
    product   = unary *( ("*" | "/" | "//" | "%") unary )
    unary     = ("-" | "+") unary | atom
    atom      = number | quoted text | word | reference | "(" or ")" | "[" list "]"

A word is `true`, `false`, `null` (any case), or stands for itself as a text. Values are bound to the tree's leaves:
they are never part of the text that is parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from highway_automation.base.safe_json import JSON

from .errors import ConditionError
from .tokens import Token, tokens_of
from .tree import Arithmetic, Both, Compare, Const, ListOf, Node, Not
from .values import number_of

LONGEST_CONDITION = 64 * 1024
DEEPEST = 50

_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None, "none": None}
_KEYWORDS = {"and", "or", "not", "in", "contains"}
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">=", "in", "contains"}


def parse_condition(text: str) -> Node:
    """The tree of a condition. Raises ConditionError saying what cannot be read."""
    return _cached(text) if len(text) <= 4096 else _parse(text)


@lru_cache(maxsize=1024)
def _cached(text: str) -> Node:
    return _parse(text)


def _parse(text: str) -> Node:
    if len(text) > LONGEST_CONDITION:
        raise ConditionError(f"A condition has at most {LONGEST_CONDITION} characters.")
    return Parser(tokens_of(text)).whole()


class Parser:
    """Recursive descent; only parentheses, lists and signs recurse, and those are counted."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        if self.here.kind == "end":
            raise ConditionError("The condition is empty.")
        node = self.truth(self.either())
        if self.here.kind != "end":
            raise ConditionError(f"Cannot read the condition at `{self.here.text}`.")
        return node

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def operator(self, *names: str) -> str | None:
        """Consume and name the operator that stands here, if it is one of these; keywords in any case."""
        if self.here.kind not in ("op", "word"):
            return None
        name = self.here.text.lower()
        if name not in names:
            return None
        self.at += 1
        return name

    def either(self) -> Node:
        return self.chain("or", self.both)

    def both(self) -> Node:
        return self.chain("and", self.negation)

    def chain(self, kind: str, part: Callable[[], Node]) -> Node:
        operands = [part()]
        while self.operator(kind):
            operands.append(part())
        if len(operands) == 1:
            return operands[0]
        return Both(kind, tuple(self.truth(operand) for operand in operands))

    def negation(self) -> Node:
        if not self.negates():
            return self.comparison()
        with_not = self.nested(self.negation)
        return Not(self.truth(with_not))

    def negates(self) -> bool:
        if self.here.text == "not" and self.here.kind in ("op", "word"):
            self.at += 1
            return True
        return False

    def truth(self, node: Node) -> Node:
        """Refuse a lone word where a truth value is needed: it would always be true."""
        if isinstance(node, Const) and node.is_word:
            raise ConditionError(f"`{node.value}` is only a word here, always true. Write `${{{node.value}}}`.")
        return node

    def comparison(self) -> Node:
        first = self.sum()
        rest = []
        while name := self.comparator():
            rest.append((name, self.sum()))
        return Compare(first, tuple(rest)) if rest else first

    def comparator(self) -> str | None:
        start = self.at
        if self.operator("not"):
            if name := self.operator("in", "contains"):
                return f"not {name}"
            self.at = start
            return None
        return self.operator(*_COMPARISONS)

    def sum(self) -> Node:
        return self.arithmetic(self.product, "+", "-")

    def product(self) -> Node:
        return self.arithmetic(self.unary, "*", "/", "//", "%")

    def arithmetic(self, part: Callable[[], Node], *names: str) -> Node:
        first = part()
        rest = []
        while name := self.operator(*names):
            rest.append((name, part()))
        if not rest:
            return first
        for operand in (first, *(operand for _, operand in rest)):
            self.numeric(operand)
        return Arithmetic(first, tuple(rest))

    def numeric(self, node: Node) -> None:
        if isinstance(node, ListOf) or (isinstance(node, Const) and number_of(node.value) is None):
            shown = node.value if isinstance(node, Const) else "a list"
            raise ConditionError(f"Arithmetic needs numbers, not `{shown}`.")

    def unary(self) -> Node:
        sign = self.operator("-", "+")
        if sign is None:
            return self.atom()
        operand = self.nested(self.unary)
        self.numeric(operand)
        return Arithmetic(Const(0), ((sign, operand),))

    def atom(self) -> Node:
        token = self.here
        self.at += 1
        if token.node is not None:
            return token.node
        if token.kind == "word" and token.text not in _KEYWORDS:
            word = token.text.lower()
            return Const(_WORDS[word]) if word in _WORDS else Const(token.text, is_word=True)
        if token.text == "(" and token.kind == "op":
            return self.nested(self.parenthesised)
        if token.text == "[" and token.kind == "op":
            return ListOf(self.nested_items("]"))
        where = f"at `{token.text}`" if token.text else "at its end"
        raise ConditionError(f"Cannot read the condition {where}: a value is missing.")

    def parenthesised(self) -> Node:
        node = self.either()
        if self.operator(","):
            rest = self.items(")")
            return ListOf((node, *rest))
        self.close(")")
        return node

    def nested_items(self, close: str) -> tuple[Node, ...]:
        self.deeper()
        items = self.items(close)
        self.depth -= 1
        return items

    def items(self, close: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self.operator(close):
            items.append(self.sum())
            if not self.operator(","):
                self.close(close)
                break
        return tuple(items)

    def close(self, close: str) -> None:
        if not self.operator(close):
            raise ConditionError(f"Cannot read the condition: `{close}` is missing.")

    def nested(self, part: Callable[[], Node]) -> Node:
        self.deeper()
        node = part()
        self.depth -= 1
        return node

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionError(f"The condition is nested deeper than {DEEPEST} levels.")
