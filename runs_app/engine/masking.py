"""Keeping the values of secrets out of everything that is stored."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.expressions.code import escaped

STARS = "******"
SHORTEST = 3
SHORTEST_LINE = 8


class Mask:
    """Replaces secret values in texts: also where JSON, Python or a URL wrote them differently, in small or capital
    letters (as host names and header names come back), and line by line.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        self.spellings = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self.patterns = [(spelling.lower(), re.compile(re.escape(spelling), re.I)) for spelling in self.spellings]

    def text(self, text: str) -> str:
        lowered = text.lower()
        for spelling, pattern in self.patterns:
            if spelling in lowered:
                text = pattern.sub(STARS, text)
        return text

    def value(self, value: JSON) -> JSON:
        if not self.spellings:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value


def _forms(secret: str) -> Iterator[str]:
    for text in (secret, *_lines(secret)):
        yield from (text, text.strip(), safe_json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text))
        yield from (json.dumps(text)[1:-1], repr(text)[1:-1], ascii(text)[1:-1], escaped(text))
    yield b64encode(secret.encode()).decode()


def _lines(secret: str) -> list[str]:
    """Tools indent and print the lines of a key one by one; a short line would blot out too much else."""
    lines = secret.strip().splitlines()
    return [line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE] if len(lines) > 1 else []
