"""The tree that a condition is read into; references are its leaves, so values are never parsed."""

from __future__ import annotations

from dataclasses import dataclass

from highway_automation.base.safe_json import JSON

from .template import Reference, Template


@dataclass(frozen=True)
class Const:
    value: JSON
    is_word: bool = False


@dataclass(frozen=True)
class Quoted:
    """A quoted text that contains references."""

    template: Template


@dataclass(frozen=True)
class ListOf:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    operand: Node


@dataclass(frozen=True)
class Both:
    """`and` or `or` over two or more operands."""

    kind: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Compare:
    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Arithmetic:
    first: Node
    rest: tuple[tuple[str, Node], ...]


Node = Const | Reference | Quoted | ListOf | Not | Both | Compare | Arithmetic
