"""Which formats are checked, and how; a format not listed here binds nothing (Pydantic's `password`, `path`…)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import FormatError

MAX_LENGTH = 10_000
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*")
_STANDARD = Draft202012Validator.FORMAT_CHECKER

CHECKER = FormatChecker(formats=())


def _checks(name: str) -> Callable[[Callable[[str], bool]], Callable[[str], bool]]:
    def register(check: Callable[[str], bool]) -> Callable[[str], bool]:
        def guarded(value: object) -> bool:
            return not isinstance(value, str) or (len(value) <= MAX_LENGTH and check(value))

        CHECKER.checks(name, raises=ValueError)(guarded)
        return check

    return register


def _standard(name: str) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            _STANDARD.check(value, name)
        except FormatError:
            return False
        return True

    return check


for _name in (
    *("date", "date-time", "duration", "hostname", "ipv4", "ipv6", "json-pointer", "relative-json-pointer"),
    *("uri", "uri-reference", "uri-template", "uuid"),
):
    _checks(_name)(_standard(_name))


@_checks("email")
@_checks("idn-email")
def is_email(value: str) -> bool:
    return len(value) <= 254 and _EMAIL.fullmatch(value) is not None


@_checks("idn-hostname")
def is_hostname(value: str) -> bool:
    try:
        return _standard("hostname")(value.encode("idna").decode("ascii"))
    except UnicodeError:
        return False


@_checks("time")
def is_time(value: str) -> bool:
    """With or without an offset, as Pydantic reads it."""
    return "T" not in value and time.fromisoformat(value) is not None


@_checks("iri")
def is_iri(value: str) -> bool:
    return _standard("uri")(_plain(value))


@_checks("iri-reference")
def is_iri_reference(value: str) -> bool:
    return _standard("uri-reference")(_plain(value))


def _plain(value: str) -> str:
    """Characters beyond ASCII are allowed wherever letters are (RFC 3987)."""
    return "".join(character if character.isascii() else "a" for character in value)
