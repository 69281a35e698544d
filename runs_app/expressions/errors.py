"""What can go wrong with a reference, a condition or a binding, and what a check reports."""

from __future__ import annotations

from dataclasses import dataclass


class ExpressionError(ValueError):
    """Base of every error of this package; its text is meant for the author of the definition."""


class TemplateError(ExpressionError):
    """Brace text that is meant as a reference but is not a valid one, such as an unknown filter."""


class MissingName(ExpressionError):
    """A reference names something that does not exist; `| default(…)` allows it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` does not exist here.")
        self.name = name


class NotAllowed(ExpressionError):
    """A name that exists but may not be read at this place, such as a secret outside a tool's arguments."""


class ConditionError(ExpressionError):
    """A condition that cannot be read, or whose arithmetic has no result. It never counts as true."""


class BindError(ExpressionError):
    """A value cannot be placed here without becoming code, a header, or other syntax."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(f"{message} {cure}".strip())
        self.cure = cure


@dataclass(frozen=True)
class Issue:
    """One finding of a save-time check: an error, or with `warning` something the author should know."""

    message: str
    cure: str = ""
    warning: bool = False
