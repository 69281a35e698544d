"""The errors that verbs raise. They own their text; the doors make an answer, a form error or an exit code of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `field` is a path such as `inputs.email` or `tasks.greet.retry_policy.delay`."""

    field: str
    message: str


class HighwayError(Exception):
    """Something the caller can understand and mend."""

    status_code = 400
    code = "BAD_REQUEST"
    title = "Bad request"

    def __init__(self, message: str, *, errors: Iterable[FieldError] = (), **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field_errors = list(errors)
        self.extra = extra

    @property
    def errors(self) -> list[dict[str, str]]:
        return [asdict(error) for error in self.field_errors]

    def lines(self) -> str:
        """The whole story as text, for a terminal or an admin message."""
        if not self.field_errors:
            return self.message
        return "\n".join([self.message, *(f"  {error.field}: {error.message}" for error in self.field_errors)])


class BadRequest(HighwayError):
    """The request cannot be read."""


class Unauthorized(HighwayError):
    status_code, code, title = 401, "UNAUTHORIZED", "Not signed in"


class Forbidden(HighwayError):
    status_code, code, title = 403, "FORBIDDEN", "Not allowed"


class NotFound(HighwayError):
    status_code, code, title = 404, "NOT_FOUND", "Not found"


class Conflict(HighwayError):
    status_code, code, title = 409, "CONFLICT", "Conflict"


class TooLarge(HighwayError):
    status_code, code, title = 413, "TOO_LARGE", "Too large"


class Invalid(HighwayError):
    status_code, code, title = 422, "VALIDATION_ERROR", "Invalid"


class InvalidTransition(Conflict):
    """The object is in a state in which the verb makes no sense."""

    code = "INVALID_TRANSITION"

    def __init__(self, obj: Any, verb: str) -> None:
        state = getattr(obj, "status", None) or ("enabled" if getattr(obj, "enabled", True) else "paused")
        super().__init__(f"Cannot {verb} this {obj._meta.verbose_name} while it is {state}.")
