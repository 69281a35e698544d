"""The operators of the filter language that are more than equality, as EventBridge patterns have them. Pure.

Each builder makes a test of its operand, or raises ValueError with the cure. A test is also asked about `MISSING`.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable
from typing import Any

from highway_automation.base.safe_json import JSON
from triggers_app.conditions import MISSING, Test, key_of
from triggers_app.globs import compile_glob, is_glob

IGNORE_CASE = "equals-ignore-case"
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def prefix(operand: JSON) -> Test:
    wanted, fold = _beginning(operand, "prefix")
    return lambda value: isinstance(value, str) and fold(value).startswith(wanted)


def suffix(operand: JSON) -> Test:
    wanted, fold = _beginning(operand, "suffix")
    return lambda value: isinstance(value, str) and fold(value).endswith(wanted)


def equals_ignore_case(operand: JSON) -> Test:
    wanted = _text(operand, IGNORE_CASE).casefold()
    return lambda value: isinstance(value, str) and value.casefold() == wanted


def wildcard(operand: JSON) -> Test:
    """`*` stands for any run of characters; `?`, unlike in a plain text, only for itself."""
    text = _text(operand, "wildcard").replace("?", "\\?")
    glob = compile_glob(text if is_glob(text) else text.replace("\\\\", "\\"))
    return glob.matches


def exists(operand: JSON) -> Test:
    """Any value counts, also null and objects; an empty list is nothing."""
    if not isinstance(operand, bool):
        raise ValueError('"exists" takes true or false.')
    return lambda value: (value is not MISSING) is operand


def numeric(operand: JSON) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise ValueError('"numeric" takes a list such as [">", 0, "<=", 5].')
    tests = [_comparison(*operand[at : at + 2]) for at in range(0, len(operand), 2)]
    if len(tests) == 2 and not (operand[0] in (">", ">=") and operand[2] in ("<", "<=") and operand[1] <= operand[3]):
        raise ValueError('A range is a lower bound before an upper one, such as [">", 0, "<=", 5].')
    return lambda value: _is_number(value) and all(test(value) for test in tests)


def cidr(operand: JSON) -> Test:
    try:
        network = ipaddress.ip_network(_text(operand, "cidr"), strict=False)
    except ValueError:
        raise ValueError(f'{operand!r} is no network; "cidr" takes one such as "10.0.0.0/24".') from None
    return lambda value: isinstance(value, str) and _within(value, network)


def anything_but(operand: JSON) -> Test:
    """What is there and is none of these; objects and what is absent do not fit."""
    refused = _none_of(operand)
    return lambda value: value is not MISSING and not isinstance(value, dict) and not refused(value)


OPERATORS: dict[str, Callable[[JSON], Test]] = {
    "prefix": prefix,
    "suffix": suffix,
    IGNORE_CASE: equals_ignore_case,
    "wildcard": wildcard,
    "exists": exists,
    "numeric": numeric,
    "cidr": cidr,
    "anything-but": anything_but,
}
INSIDE_ANYTHING_BUT = ("prefix", "suffix", IGNORE_CASE, "wildcard")


def _none_of(operand: JSON) -> Test:
    if isinstance(operand, dict):
        names = [name for name in operand if name in INSIDE_ANYTHING_BUT]
        if len(operand) != 1 or not names:
            raise ValueError(f'"anything-but" takes values, or one of {", ".join(INSIDE_ANYTHING_BUT)}.')
        build = OPERATORS[names[0]]
        tests = [build(item) for item in _several(operand[names[0]])]
        return lambda value: any(test(value) for test in tests)
    values = _several(operand)
    if any(isinstance(value, dict | list) for value in values):
        raise ValueError('"anything-but" takes texts, numbers, true, false or null, or a flat list of them.')
    keys = {key_of(value) for value in values}
    return lambda value: key_of(value) in keys


def _several(operand: JSON) -> list[JSON]:
    if operand == []:
        raise ValueError("An empty list refuses nothing; name what should not match.")
    return operand if isinstance(operand, list) else [operand]


def _beginning(operand: JSON, name: str) -> tuple[str, Callable[[str], str]]:
    if isinstance(operand, dict) and list(operand) == [IGNORE_CASE]:
        return _text(operand[IGNORE_CASE], name).casefold(), str.casefold
    return _text(operand, name), str


def _text(operand: JSON, name: str) -> str:
    if not isinstance(operand, str):
        raise ValueError(f'"{name}" takes a text.')
    return operand


def _comparison(sign: JSON, bound: JSON) -> Test:
    if not isinstance(sign, str) or sign not in COMPARISONS or not _is_number(bound):
        raise ValueError(f"A comparison is one of {', '.join(COMPARISONS)} followed by a number.")
    compare = COMPARISONS[sign]
    return lambda value: compare(value, bound)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _within(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False
