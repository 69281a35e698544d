"""JSON columns that others may fill by SQL: one value that Python cannot take must not fail the query that reads it."""

from __future__ import annotations

from typing import Any

from django.db import models

from highway_automation.base.safe_json import MAX_DEPTH, UnsafeJSON, check


class Unreadable(dict[str, str]):
    """Stands where such a value was; pages and answers show it as an object that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(unreadable=reason)
        self.reason = reason


class UntrustedJSONField(models.JSONField):
    """A JSONField that reads what breaks the rules of `safe_json` as `Unreadable`. To migrations it is a JSONField."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            return check(super().from_db_value(value, expression, connection))
        except UnsafeJSON as error:
            return Unreadable(str(error))
        except RecursionError:
            return Unreadable(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        except ValueError:
            return Unreadable("A number in it has more digits than any program here can read.")

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
