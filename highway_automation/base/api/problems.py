"""Every error of the API as RFC 9457 problem details, with Highway's `code` and `message` beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from highway_automation.base.errors import Conflict, FieldError, Forbidden, HighwayError, Invalid, NotFound, TooLarge

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
}


class Refusal(exceptions.APIException):
    """One of our errors where REST framework catches only its own: in authenticators and permissions."""

    def __init__(self, error: HighwayError) -> None:
        super().__init__(error.message, error.code)
        self.error = error
        self.status_code = error.status_code


def problem_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception, or None (a 500) for a fault of ours."""
    error = as_highway_error(exception)
    if error is not None:
        return respond(error.status_code, error.code, error.title, error.message, error.errors, error.extra, context)
    if isinstance(exception, exceptions.APIException):
        status = exception.status_code
        title = HTTPStatus(status).phrase
        response = respond(status, CODES.get(status, "ERROR"), title, str(exception.detail), [], {}, context)
        add_headers(response, exception)
        return response
    return None


def as_highway_error(exception: Exception) -> HighwayError | None:
    match exception:
        case HighwayError():
            return exception
        case Refusal():
            return exception.error
        case exceptions.ValidationError():
            return invalid(list(flatten(exception.detail)))
        case ModelValidationError():
            return invalid(
                list(flatten(exception.message_dict if hasattr(exception, "error_dict") else exception.messages))
            )
        case Http404() | exceptions.NotFound():
            return NotFound("There is no such object.")
        case PermissionDenied():
            return Forbidden(str(exception) or "You may not do this.")
        case RequestDataTooBig():
            return TooLarge("The body is too large.")
        case ProtectedError() | RestrictedError():
            return Conflict("It is still in use.")
    return None


def invalid(problems: list[FieldError]) -> Invalid:
    told = "; ".join(
        f"{problem.field}: {problem.message}" if problem.field else problem.message for problem in problems
    )
    return Invalid(told[:2000] or "Not valid.", errors=problems)


def flatten(detail: Any, path: str = "") -> Iterator[FieldError]:
    """REST framework's nested errors as field paths: `inputs.email`, `tasks.0.name`."""
    if isinstance(detail, Mapping):
        for key, part in detail.items():
            yield from flatten(part, path if key == "non_field_errors" or key == "__all__" else joined(path, str(key)))
    elif isinstance(detail, list | tuple):
        for index, part in enumerate(detail):
            yield from flatten(part, joined(path, str(index)) if isinstance(part, Mapping | list) else path)
    else:
        yield FieldError(path, str(detail))


def joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def respond(
    status: int,
    code: str,
    title: str,
    message: str,
    errors: list[dict[str, str]],
    extra: Mapping[str, Any],
    context: Mapping[str, Any],
) -> Response:
    body: dict[str, Any] = {
        **extra,
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": message,
        "code": code,
        "message": message,
    }
    if errors:
        body["errors"] = errors
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    browsable = renderer is not None and renderer.format == "api"
    return Response(body, status=status, content_type=None if browsable else "application/problem+json")


def add_headers(response: Response, exception: exceptions.APIException) -> None:
    """REST framework puts the challenge of a 401 and the wait of a 429 on the exception."""
    if header := getattr(exception, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(exception, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
