"""What a list may be asked for. What it does not understand it refuses: an answer to another question helps nobody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_filters import BooleanFilter, IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from highway_automation.base.api.paging import Envelope
from highway_automation.base.errors import FieldError, Invalid

ALWAYS_KNOWN = ("tenant", "format")
LIST_WORDS = ("search", "ordering")


def refuse_unknown(request: Request, known: Iterable[str], *, paged: bool = True) -> None:
    """Raises Invalid naming each query parameter that is none of `known`, of paging or of every request."""
    words = sorted({*known, *(Envelope.words if paged else ()), *ALWAYS_KNOWN})
    told = f"Unknown parameter; known are {', '.join(words)}."
    unknown = [FieldError(name, told) for name in request.query_params if name not in words]
    if unknown:
        raise Invalid(f"{', '.join(error.field for error in unknown)}: {told}", errors=unknown)


def choice(request: Request, name: str, choices: Iterable[str]) -> str | None:
    """A query parameter that is one of these; None when it is not there. Raises Invalid naming it."""
    found = request.query_params.get(name)
    if found and found not in (known := list(choices)):
        told = f"Give one of {', '.join(known)}."
        raise Invalid(told, errors=[FieldError(name, told)])
    return found or None


class InstantField(IsoDateTimeField):  # type: ignore[misc]
    """A time whose UTC date exists: a database cannot compare with any other."""

    def to_python(self, value: Any) -> datetime | None:
        at: datetime | None = super().to_python(value)
        try:
            return at and at.astimezone(UTC)
        except OverflowError:
            raise ValidationError("Give a time within the years 1 to 9999 in UTC.", code="invalid") from None


class InstantFilter(IsoDateTimeFilter):  # type: ignore[misc]
    field_class = InstantField


class TruthField(forms.NullBooleanField):
    """`true`, `false`, 1 or 0; nothing else is taken for "either"."""

    widget = forms.Select(choices=[("", "either"), ("true", "true"), ("false", "false")])

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]
        if value in self.empty_values:
            return None
        found = super().to_python(str(value).strip().capitalize())
        if found is None:
            raise ValidationError("Give true or false.", code="invalid")
        return found


class TruthFilter(BooleanFilter):  # type: ignore[misc]
    field_class = TruthField


class StrictOrdering(OrderingFilter):
    """Refuses a field by which the list cannot be ordered, naming those by which it can."""

    def remove_invalid_fields(self, queryset: Any, fields: Any, view: Any, request: Request) -> list[str]:
        known = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        unknown = [field for field in fields if field and field.removeprefix("-") not in known]
        if unknown:
            told = f"{', '.join(unknown)}: give some of {', '.join(known)}, each with or without a - before it."
            raise Invalid(told, errors=[FieldError(self.ordering_param, told)])
        return super().remove_invalid_fields(queryset, fields, view, request)
