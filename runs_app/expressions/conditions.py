"""Evaluating conditions. They fail closed: nothing that went wrong ever makes one true.

Truth has three values here: a comparison of things that cannot be compared (a word with a number, null with
anything) is neither true nor false, stays so under `not`, and counts as false in the end.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeAlias

from highway_automation.base.safe_json import JSON

from .errors import ConditionError, ExpressionError, Issue
from .grammar import parse_condition
from .names import NAMESPACES, Lookup
from .resolve import check_reference, fetch, fill
from .template import Reference
from .tree import Arithmetic, Both, Compare, Const, ListOf, Node, Not, Quoted
from .values import number_of, text_of, to_list


class Undecided(Enum):
    """The third truth value."""

    UNDECIDED = "undecided"


UNDECIDED: Final = Undecided.UNDECIDED
Truth: TypeAlias = bool | Undecided

_LARGEST = 10**300
_FALSE_TEXTS = frozenset({"", "false", "null", "none"})
_SPELLED: dict[bool | None, frozenset[str]] = {
    True: frozenset({"true"}), False: frozenset({"false"}), None: frozenset({"null", "none"})
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], int | float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


def evaluate(condition: str, lookup: Lookup) -> bool:
    """Whether the condition holds.

    Numeric texts compare as numbers with numbers, and in order also with each other; the texts true, false and null
    in any case equal those values. `and` and `or` look up only what they need.
    Raises ConditionError where it cannot be read or its arithmetic has no result, MissingName for a missing name.
    """
    return _truth(_evaluate(parse_condition(condition), lookup)) is True


def check_condition(text: str) -> list[Issue]:
    """What is wrong with a condition, as far as it can be known without its values. Secrets may not be read in one."""
    try:
        tree = parse_condition(text)
    except ConditionError as error:
        return [Issue(str(error))]
    issues: list[Issue] = []
    for node in _nodes(tree):
        for reference in _references(node):
            issues += check_reference(reference, secrets=False)
        if isinstance(node, Compare):
            issues += _doubtful_words(node)
    return issues


def _evaluate(node: Node, lookup: Lookup) -> JSON:
    """The node's value; for comparisons and logic a Truth."""
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Reference):
        return fetch(node, lookup)
    if isinstance(node, Quoted):
        return fill(node.template, lookup)
    if isinstance(node, ListOf):
        return [_evaluate(item, lookup) for item in node.items]
    if isinstance(node, Not):
        truth = _truth(_evaluate(node.operand, lookup))
        return truth if truth is UNDECIDED else not truth
    if isinstance(node, Both):
        return _both(node, lookup)
    return _compare(node, lookup) if isinstance(node, Compare) else _calculate(node, lookup)


def _both(node: Both, lookup: Lookup) -> Truth:
    decisive = node.kind == "or"
    result: Truth = not decisive
    for operand in node.operands:
        truth = _truth(_evaluate(operand, lookup))
        if truth is decisive:
            return decisive
        if truth is UNDECIDED:
            result = UNDECIDED
    return result


def _compare(node: Compare, lookup: Lookup) -> Truth:
    left = _evaluate(node.first, lookup)
    result: Truth = True
    for name, operand in node.rest:
        right = _evaluate(operand, lookup)
        truth = _relation(name, left, right)
        if truth is False:
            return False
        if truth is UNDECIDED:
            result = UNDECIDED
        left = right
    return result


def _relation(name: str, left: JSON, right: JSON) -> Truth:
    if isinstance(left, Undecided) or isinstance(right, Undecided):
        return UNDECIDED
    if name == "==":
        return _equal(left, right)
    if name == "!=":
        return not _equal(left, right)
    if name in _ORDER:
        return _ordered(_ORDER[name], left, right)
    found = _contains(left, right) if name.endswith("contains") else _contains(right, left)
    return not found if name.startswith("not ") and isinstance(found, bool) else found


def _equal(left: JSON, right: JSON) -> bool:
    for one, other in ((left, right), (right, left)):
        if one is None or isinstance(one, bool):
            return one is other or (isinstance(other, str) and other.strip().lower() in _SPELLED[one])
        if isinstance(one, int | float):
            return number_of(other) == one
    return bool(type(left) is type(right) and left == right)


def _ordered(relation: Callable[[Any, Any], bool], left: JSON, right: JSON) -> Truth:
    numbers = number_of(left), number_of(right)
    if None not in numbers:
        return relation(*numbers)
    if isinstance(left, str) and isinstance(right, str):
        return relation(left, right)
    return UNDECIDED


def _contains(container: JSON, item: JSON) -> Truth:
    if isinstance(container, str) and isinstance(item, str):
        return item in container
    if isinstance(container, dict):
        return text_of(item) in container if isinstance(item, str | int | float) else UNDECIDED
    if isinstance(container, str) and container.lstrip().startswith("["):
        try:
            container = to_list(container)
        except ExpressionError:
            return UNDECIDED
    if isinstance(container, list):
        return any(_equal(member, item) for member in container)
    return UNDECIDED


def _calculate(node: Arithmetic, lookup: Lookup) -> int | float:
    result = _number(_evaluate(node.first, lookup))
    for name, operand in node.rest:
        number = _number(_evaluate(operand, lookup))
        try:
            result = _ARITHMETIC[name](result, number)
        except ZeroDivisionError:
            raise ConditionError("The condition divides by zero.") from None
        except OverflowError:
            raise ConditionError("A number in the condition is too large.") from None
        if not -_LARGEST < result < _LARGEST:
            raise ConditionError("A number in the condition is too large.")
    return result


def _number(value: JSON) -> int | float:
    number = number_of(value)
    if number is None:
        raise ConditionError("Arithmetic in the condition needs numbers.")
    return number


def _truth(value: JSON) -> Truth:
    """The truth of any value; texts that say false, null or zero are false, as a command prints them."""
    if isinstance(value, Undecided | bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE_TEXTS and number_of(value) != 0
    return bool(value)


def _nodes(tree: Node) -> list[Node]:
    found = [tree]
    for node in found:
        if isinstance(node, Not):
            found.append(node.operand)
        elif isinstance(node, Both):
            found.extend(node.operands)
        elif isinstance(node, ListOf):
            found.extend(node.items)
        elif isinstance(node, Compare | Arithmetic):
            found += [node.first, *(operand for _, operand in node.rest)]
    return found


def _references(node: Node) -> tuple[Reference, ...]:
    if isinstance(node, Reference):
        return (node,)
    return node.template.references if isinstance(node, Quoted) else ()


def _doubtful_words(node: Compare) -> list[Issue]:
    """Words that look as if a name was meant: dotted ones, and those compared with a number."""
    operands = [node.first, *(operand for _, operand in node.rest)]
    has_number = any(isinstance(other, Const) and number_of(other.value) is not None for other in operands)
    words = [operand.value for operand in operands if isinstance(operand, Const) and operand.is_word]
    return [
        Issue(f"`{word}` stands for that text itself.", f"If a name is meant, write `${{{word}}}`.", warning=True)
        for word in words
        if has_number or ("." in word and word.split(".")[0] in NAMESPACES)
    ]
