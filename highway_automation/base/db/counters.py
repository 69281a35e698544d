"""Counters that several processes raise together, each in one statement."""

from __future__ import annotations

from django.db import connection

TABLE = "rate_counts"


def raise_counter(key: str, ends_at: int) -> int:
    """The counter's new value; one of its name begins at 1. `ends_at`: from then on (Unix time) it may be forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (key, used, ends_at) VALUES (%s, 1, %s) "  # noqa: S608
            f"ON CONFLICT (key) DO UPDATE SET used = {TABLE}.used + 1 RETURNING used",
            [key, ends_at],
        )
        used: int = cursor.fetchone()[0]
    return used
