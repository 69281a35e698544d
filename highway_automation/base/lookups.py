"""Which columns the query string of an admin list may ask about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest

PATTERNS = frozenset({"regex", "iregex"})


class ShownLookups:
    """Mixed into an admin: lists are filtered by what they or their rows' pages show.

    The stock admin lets `?password__startswith=` pass, by which whoever may see users learns a hash letter by letter,
    and patterns, which databases compute for as long as they take.
    """

    opts: Any
    list_display: Any
    list_filter: Any
    date_hierarchy: Any
    fields: Any
    fieldsets: Any

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        name, *rest = lookup.split("__")
        if PATTERNS & set(rest) or (self._is_column(name) and name not in set(self._shown())):
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]

    def _is_column(self, name: str) -> bool:
        try:
            return bool(self.opts.get_field(name))
        except FieldDoesNotExist:
            return False

    def _shown(self) -> Iterator[str]:
        yield self.opts.pk.name
        yield from (str(name) for name in (*self.list_display, self.date_hierarchy) if name)
        yield from (entry if isinstance(entry, str) else str(entry[0]) for entry in self.list_filter if _named(entry))
        yield from (str(name) for name in flatten(self.fields or ()))
        yield from (str(name) for name in flatten_fieldsets(self.fieldsets or ()))


def _named(entry: Any) -> bool:
    """A filter that names its field, alone or with a class that shows it."""
    return isinstance(entry, str | tuple | list)
