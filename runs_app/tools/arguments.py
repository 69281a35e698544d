"""Reading a tool's arguments, with refusals that name the argument and the cure.

A reference may deliver a text where a number or a flag is meant ("30", "true"), so those are understood.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.dialect import durations
from runs_app.tools.base import Arguments, ToolContext, ToolError

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Given:
    """The arguments of one call. Every refusal is a permanent ToolError: a retry would bring the same arguments."""

    def __init__(self, tool: str, arguments: Arguments, known: Collection[str]) -> None:
        self.tool, self.arguments = tool, arguments
        for name in arguments:
            if name not in known:
                raise self.refusal(name, f"is not an argument of this tool{_meant(name, known)}")

    def __contains__(self, name: str) -> bool:
        return self.arguments.get(name) is not None

    def refusal(self, name: str, why: str) -> ToolError:
        return ToolError(f"{self.tool}: {name} {why}.", permanent=True)

    def value(self, name: str, default: JSON = None) -> Any:
        found = self.arguments.get(name)
        return default if found is None else found

    def required(self, name: str) -> Any:
        found = self.arguments.get(name)
        if found in (None, "", []):
            raise self.refusal(name, "is missing; give it a value")
        return found

    def text(self, name: str, default: str = "") -> str:
        return self.as_text(name, self.value(name, default))

    def as_text(self, name: str, value: Any) -> str:
        """Texts as they are, numbers and booleans as JSON writes them; lists and objects are refused."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool | int | float):
            return safe_json.dumps(value)
        raise self.refusal(name, f"must be a text, not {_kind(value)}")

    def mapping(self, name: str) -> Mapping[str, Any]:
        found = self.value(name, {})
        if not isinstance(found, Mapping):
            raise self.refusal(name, f'must be an object such as {{"NAME": "value"}}, not {_kind(found)}')
        return found

    def texts(self, name: str) -> dict[str, str]:
        """An object whose values are texts; null values are left out."""
        entries = self.mapping(name).items()
        return {str(key): self.as_text(f"{name}.{key}", item) for key, item in entries if item is not None}

    def flag(self, name: str, default: bool) -> bool:
        found = self.value(name, default)
        meaning = FLAGS.get(str(found).strip().lower())
        if meaning is None:
            raise self.refusal(name, f"must be true or false, not {found!r}")
        return meaning

    def seconds(self, name: str) -> float | None:
        """A length of time greater than zero, None where it is absent."""
        if name not in self:
            return None
        try:
            length = durations.seconds(self.value(name))
        except ValueError as error:
            raise self.refusal(name, f"is wrong: {error}") from None
        if length <= 0:
            raise self.refusal(name, "must be longer than zero")
        return length

    def checked(self, context: ToolContext) -> bool:
        """Whether a bad exit or answer fails the step. "auto" (the default): unless the definition reads it itself."""
        if str(self.value("check", "auto")).strip().lower() == "auto":
            return not context.check_auto
        return self.flag("check", True)


def time_limit(wanted: float | None, context: ToolContext, default: float = math.inf) -> float:
    """Seconds that the call may take: its argument within the step's timeout, else that timeout, else the default."""
    if context.timeout is None:
        return default if wanted is None else wanted
    return context.timeout if wanted is None else min(wanted, context.timeout)


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; it takes {', '.join(sorted(known))}"
