"""Everything in which PostgreSQL and SQLite differ. No other module asks which one it talks to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, connection, models, transaction
from uuid6 import uuid7 as _uuid7

M = TypeVar("M", bound=models.Model)
Rows = models.QuerySet


@cache
def is_postgres() -> bool:
    return bool(connection.vendor == "postgresql")


def name() -> str:
    """As people call it."""
    return "PostgreSQL" if is_postgres() else "SQLite"


def is_one_file() -> bool:
    """Whether the database is a file of one machine, which has one writer at a time."""
    return not is_postgres()


def atomic() -> AbstractContextManager[None]:
    """One short transaction; on SQLite it takes the write lock at once (IMMEDIATE)."""
    return transaction.atomic()


def savepoint() -> AbstractContextManager[None]:
    """A part of a transaction that may fail alone: one bad row never fails its batch."""
    return transaction.atomic(savepoint=True)


def lock_rows(rows: models.QuerySet[M], *, skip_locked: bool = False) -> models.QuerySet[M]:
    """The rows locked until the transaction ends. SQLite has one writer at a time, so the transaction is the lock.

    The lock lets rows that refer to these be inserted (FOR NO KEY UPDATE), or inserting a step would wait for it.
    """
    if not is_postgres():
        return rows
    return rows.select_for_update(skip_locked=skip_locked, of=("self",), no_key=True)


def lock_texts(texts: Iterable[str], *, shared: bool = False) -> None:
    """Locks that stand for texts, until the transaction ends. SQLite's transaction is the lock already.

    Any number may share one; who takes it alone waits for them, and they for it.
    """
    if not is_postgres():
        return
    lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    keys = sorted({int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True) for text in texts})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(key) FROM unnest(%s::bigint[]) AS key", [keys])  # noqa: S608


def statement_time() -> datetime:
    """The database's time on PostgreSQL, so that machines with different clocks agree; the host's on SQLite."""
    if not is_postgres():
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


def uuid7() -> UUID:
    """A time-ordered id: new rows land at the end of the index."""
    return UUID(int=_uuid7().int)


class TimeOrderedUUIDField(models.UUIDField):  # type: ignore[type-arg]
    """A primary key that is made in Python and sorts by creation time."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.update(primary_key=True, default=uuid7, editable=False)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def deconstruct(self) -> tuple[str, str, list[object], dict[str, object]]:
        name, path, args, kwargs = super().deconstruct()
        for key in ("primary_key", "default", "editable"):
            kwargs.pop(key, None)
        return name, path, list(args), kwargs


def reconnect() -> None:
    """Drop this thread's connection if it is broken, so that the next query opens a new one."""
    try:
        connection.close_if_unusable_or_obsolete()
    except DatabaseError:
        connection.connection = None


def drop_if_broken() -> None:
    """After an error: let the next query of this thread open a new connection."""
    if connection.errors_occurred:
        connection.close()


def is_away(error: Exception) -> bool:
    """Whether the database could not be asked (it is gone, or too busy), rather than refused what it was asked."""
    if is_postgres():
        return connection.connection is None or not connection.is_usable()
    return "locked" in str(error) or "busy" in str(error)


def release() -> None:
    """Give this thread's connection back (to the pool, where there is one)."""
    connection.close()


def start_over() -> None:
    """After the database went away: use no old connection again, and no pool whose pauses have grown meanwhile."""
    connection.close()
    if is_postgres():
        connection.close_pool()  # type: ignore[attr-defined]
