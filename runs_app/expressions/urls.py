"""References in URLs and headers: a value never becomes another host, path, parameter or header."""

from __future__ import annotations

import re
from urllib.parse import quote

from highway_automation.base.safe_json import JSON

from .errors import BindError, Issue
from .names import Lookup
from .resolve import check_text, fetch, resolve
from .template import parse_template
from .values import text_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_BREAK = re.compile(r"[\r\n\x00]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LONGER_THAN_DOTS = 16
_DOTS = "Pass it in `params`, or check it in the template's input schema."


def bind_url(url: str, lookup: Lookup) -> str:
    """The URL with each value percent-encoded, except the one it starts with (a base address) and `| raw` ones.

    Raises BindError where a value holds control characters or makes a path segment `.` or `..`.
    """
    parts: list[tuple[str, bool]] = []
    for position, piece in enumerate(parse_template(url).pieces):
        if isinstance(piece, str):
            parts.append((piece, False))
            continue
        value = text_of(fetch(piece, lookup))
        as_it_is = position == 0 or piece.raw
        if as_it_is and _CONTROL.search(value):
            raise BindError(f"`{piece.name}` holds control characters, which no URL may.")
        parts.append((value, False) if as_it_is else (_encoded(value, piece.name), True))
    _refuse_dot_segments(parts)
    return "".join(text for text, _ in parts)


def header(value: JSON) -> str:
    """The value as the text of an HTTP or mail header. Raises BindError for line breaks and NUL."""
    text = text_of(value)
    if _HEADER_BREAK.search(text):
        raise BindError("A header's value may not hold line breaks or NUL characters.")
    return text


def bind_headers(headers: JSON, lookup: Lookup) -> dict[str, str]:
    """An object of headers, resolved. Raises BindError for a value or name that would break out of its line."""
    resolved = resolve(headers, lookup)
    if resolved is None:
        return {}
    if not isinstance(resolved, dict):
        raise BindError("Headers are an object of names and values.")
    for name in resolved:
        if not _HEADER_NAME.fullmatch(name):
            raise BindError(f"{name!r} is no name of a header.")
    return {name: header(value) for name, value in resolved.items()}


def check_url(text: str) -> list[Issue]:
    """What is wrong with a URL's references, as far as it can be known without their values."""
    return check_text(text)


def _encoded(value: str, name: str) -> str:
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise BindError(f"`{name}` holds half a character (a lone surrogate).") from None


def _refuse_dot_segments(parts: list[tuple[str, bool]]) -> None:
    segment, bound = "", False
    for text, is_value in parts:
        path, *query = re.split(r"[?#]", text, maxsplit=1)
        first, *rest = re.split(r"[/\\]", path)
        segment, bound = (segment + first)[:_LONGER_THAN_DOTS], bound or is_value
        for following in rest:
            _refuse_dots(segment, bound)
            segment, bound = following[:_LONGER_THAN_DOTS], False
        if query:
            break
    _refuse_dots(segment, bound)


def _refuse_dots(segment: str, bound: bool) -> None:
    if bound and segment.lower().replace("%2e", ".") in (".", ".."):
        raise BindError(f"A value would make the path segment `{segment}`, which leads elsewhere.", _DOTS)
