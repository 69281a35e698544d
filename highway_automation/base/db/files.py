"""The database as a file, where it is one (SQLite)."""

from __future__ import annotations

from pathlib import Path

from django.db import connection

from highway_automation.base.db import is_postgres


def database_file() -> Path | None:
    """The file the database stands in; None where a server keeps it or it lives in memory."""
    path = Path(str(connection.settings_dict["NAME"]))
    return path if not is_postgres() and path.is_file() else None


def copy_database(target: Path) -> None:
    """A consistent copy of the database file, what stands in its write-ahead log included."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])
    target.chmod(0o600)
