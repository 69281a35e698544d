"""Regular expressions in linear time, whatever the pattern and the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from highway_automation.base.schema.budget import spend

# What JavaScript and Python write differently from RE2.
_SPELLINGS = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(Z)|.)", re.DOTALL)


class BadPattern(ValueError):
    """The pattern is not valid, or needs back-references or look-around."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_SPELLINGS.sub(_respell, pattern), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(f"not a usable pattern: {text}") from None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs anywhere in the text."""
    spend(1 + len(text) // 1000)
    return compiled(pattern).search(text) is not None


def _respell(match: re.Match[str]) -> str:
    if match[1]:
        return f"\\x{{{match[1]}}}"
    return r"\z" if match[2] else match[0]
