from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from rest_framework import serializers

if TYPE_CHECKING:
    Base = serializers.BaseSerializer[Any]
else:
    Base = object


class Strict(Base):
    """Refuses body fields it does not know, naming each. Fields that are read-only may be sent back and are ignored,
    so that what was read can be written; `highway_keys` are those that Highway's own clients send besides.
    """

    highway_keys: Collection[str] = ()
    null_when_read: Collection[str] = ()
    """Fields that answer null although null cannot be sent (a secret's value)."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {*self.fields, *self.highway_keys, *self.keys_of_view()}  # type: ignore[attr-defined]
            unknown = {key: ["Unknown field."] for key in data if key not in known}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)

    def keys_of_view(self) -> Collection[str]:
        return getattr(self.context.get("view"), "highway_keys", ()) if self.parent is None else ()


class StrictSerializer(Strict, serializers.Serializer[Any]):
    """A plain serializer that refuses unknown fields."""


class StrictModelSerializer(Strict, serializers.ModelSerializer[models.Model]):
    """A model's serializer that refuses unknown fields. Whether names are free is for the verb to say."""

    def get_unique_together_validators(self) -> list[Any]:
        return []
