"""Model validation as our errors, so that every door answers alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError
from django.db.models import Model, QuerySet

from highway_automation.base.db import lock_rows, savepoint
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from tenants_app.models import User

M = TypeVar("M", bound=Model)


def validated(obj: Model, *, unique: bool = True) -> None:
    """Fields, then what must be unique (unless the caller leaves that to the insert), then constraints.

    Raises:
        Invalid: names each field that is wrong.
    """
    try:
        obj.full_clean(validate_unique=unique)
    except ValidationError as error:
        raise invalid(obj, error) from None


def locked(rows: QuerySet[M], gone: str) -> M:
    """The one row as it is now, until the transaction ends. Raises NotFound (`gone`) when it was deleted meanwhile."""
    row = lock_rows(rows).first()
    if row is None:
        raise NotFound(gone)
    return row


@contextmanager
def conflict(message: str) -> Iterator[None]:
    """A savepoint for an insert: what a constraint refuses, because another was faster, is a Conflict."""
    try:
        with savepoint():
            yield
    except IntegrityError:
        raise Conflict(message) from None


def invalid(obj: Model, error: ValidationError) -> Invalid:
    problems = [
        FieldError("" if field == NON_FIELD_ERRORS else field, message)
        for field, messages in error.message_dict.items()
        for message in messages
    ]
    return Invalid(f"This {obj._meta.verbose_name} is not valid.", errors=problems)


def refuse_weak(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        problems = [FieldError("password", message) for message in error.messages]
        raise Invalid("This password is too weak.", errors=problems) from None
