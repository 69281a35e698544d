"""Several writes that happen only if one row is still ours: the hot path of the engine.

On PostgreSQL they travel as one statement (data-modifying CTEs), so a step costs one round trip and one commit. On
SQLite, where there is no such statement, they run one after another in a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, models, transaction

from highway_automation.base.db import is_postgres, statement_time

Params = list[Any]


@dataclass(frozen=True)
class Moment:
    """The database's time plus `shift`, computed inside the statement."""

    shift: timedelta = timedelta(0)


@dataclass(frozen=True)
class Update:
    model: type[models.Model]
    where: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Insert:
    """A row; with `merge_on` an existing row with the same values there gets the columns of `merge` instead.

    `unless_there`: an existing row that takes its place by a constraint stays as it is.
    """

    model: type[models.Model]
    values: Mapping[str, Any]
    merge_on: tuple[str, ...] = field(default=())
    merge: tuple[str, ...] = field(default=())
    unless_there: bool = False


@dataclass(frozen=True)
class Delete:
    model: type[models.Model]
    where: Mapping[str, Any]


Statement = Update | Insert | Delete


def write(fence: Update, rest: Sequence[Statement] = ()) -> bool:
    """Do all of it if the row of `fence` is still as its `where` says, else nothing; whether it was done."""
    if is_postgres():
        return _write_at_once(fence, rest)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(*_update(fence, guard=""))
        if cursor.rowcount != 1:
            return False
        for statement in rest:
            cursor.execute(*_render(statement, guard=""))
    return True


def _write_at_once(fence: Update, rest: Sequence[Statement]) -> bool:
    sql, params = _update(fence, guard="")
    parts = [f"fence AS ({sql} RETURNING 1)"]
    for number, statement in enumerate(rest):
        guard = "EXISTS (SELECT 1 FROM fence)"
        text, more = _render(statement, guard)
        parts.append(f"w{number} AS ({text} RETURNING 1)")
        params += more
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT count(*) FROM fence", params)  # noqa: S608
        return bool(cursor.fetchone()[0] == 1)


def _render(statement: Statement, guard: str) -> tuple[str, Params]:
    if isinstance(statement, Delete):
        return _delete(statement, guard)
    return _update(statement, guard) if isinstance(statement, Update) else _insert(statement, guard)


def _update(statement: Update, guard: str) -> tuple[str, Params]:
    params: Params = []
    sets = ", ".join(_assignment(statement.model, name, value, params) for name, value in statement.values.items())
    where = _where(statement, guard, params)
    return f'UPDATE "{statement.model._meta.db_table}" SET {sets} WHERE {where}', params  # noqa: S608


def _delete(statement: Delete, guard: str) -> tuple[str, Params]:
    params: Params = []
    return f'DELETE FROM "{statement.model._meta.db_table}" WHERE {_where(statement, guard, params)}', params  # noqa: S608


def _where(statement: Update | Delete, guard: str, params: Params) -> str:
    tests = [_assignment(statement.model, name, value, params) for name, value in statement.where.items()]
    return " AND ".join([*tests, guard] if guard else tests)


def _insert(statement: Insert, guard: str) -> tuple[str, Params]:
    params: Params = []
    columns, values = [], []
    for column in statement.model._meta.concrete_fields:
        if column.primary_key and column.get_internal_type() == "BigAutoField":
            continue
        value = statement.values.get(column.attname, _MISSING)
        columns.append(f'"{column.column}"')
        values.append(_value(column, column.get_default() if value is _MISSING else value, params))
    source = f"SELECT {', '.join(values)} WHERE {guard or '1 = 1'}"  # noqa: S608
    sql = f'INSERT INTO "{statement.model._meta.db_table}" ({", ".join(columns)}) {source}'  # noqa: S608
    if statement.merge_on:
        keys = ", ".join(f'"{name}"' for name in statement.merge_on)
        sets = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in statement.merge)
        sql += f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"
    elif statement.unless_there:
        sql += " ON CONFLICT DO NOTHING"
    return sql, params


_MISSING = object()


def _assignment(model: type[models.Model], name: str, value: Any, params: Params) -> str:
    column = model._meta.get_field(name)
    return f'"{column.column}" = {_value(column, value, params)}'  # type: ignore[union-attr]


def _value(column: Any, value: Any, params: Params) -> str:
    if isinstance(value, Moment):
        if is_postgres():
            params.append(value.shift)
            return "statement_timestamp() + %s::interval"
        value = statement_time() + value.shift
    params.append(column.get_db_prep_save(value, connection))
    return f"%s::{_type(column)}" if is_postgres() else "%s"


@lru_cache(maxsize=512)
def _type(column: Any) -> str:
    return str(column.db_type(connection))
