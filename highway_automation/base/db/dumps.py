"""A whole database as one file, and back: PostgreSQL's own programs, or a copy of SQLite's file."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: S404
from pathlib import Path

from django.db import connection

from highway_automation.base.db import is_postgres
from highway_automation.base.db.files import copy_database

POSTGRES_FILE, SQLITE_FILE = "database.dump", "database.sqlite3"


class DumpFailed(Exception):
    """The text says why, and what to install or mend."""


def dump(folder: Path) -> Path:
    """Write the database into the folder, as of one moment, while the product runs. Raises DumpFailed."""
    target = folder / (POSTGRES_FILE if is_postgres() else SQLITE_FILE)
    if is_postgres():
        _run("pg_dump", "--format=custom", "--no-owner", "--file", str(target))
        target.chmod(0o600)
    else:
        copy_database(target)
    return target


def load(file: Path) -> None:
    """Replace what the database holds by the file's content; nothing else may use the database meanwhile.

    Raises DumpFailed; PostgreSQL's is then as it was before.
    """
    if is_postgres():
        connection.close()
        options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
        _run("pg_restore", *options, "--dbname", str(connection.settings_dict["NAME"]), str(file))
        return
    target = Path(str(connection.settings_dict["NAME"]))
    connection.close()
    for leftover in (target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm")):
        leftover.unlink(missing_ok=True)
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(file, part)
    part.chmod(0o600)
    part.replace(target)


def file_in(folder: Path) -> Path:
    """The file that `dump` wrote there for this kind of database. Raises DumpFailed."""
    wanted, other = (POSTGRES_FILE, SQLITE_FILE) if is_postgres() else (SQLITE_FILE, POSTGRES_FILE)
    if (folder / wanted).is_file():
        return folder / wanted
    if (folder / other).is_file():
        raise DumpFailed(f"{folder} holds {other}, which is of another kind than DATABASE_URL names.")
    raise DumpFailed(f"{folder} is no backup: it holds no {wanted}.")


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise DumpFailed(f"{program} is not installed. Install PostgreSQL's client (`apt install postgresql-client`).")
    done = subprocess.run(  # noqa: S603
        [found, *arguments], env={**os.environ, **_address()}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DumpFailed(f"{program}: {done.stderr.strip()[-2000:]}")


def _address() -> dict[str, str]:
    """As environment variables, so that no password stands in the list of processes."""
    settings = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    return {variable: str(settings[key]) for variable, key in names.items() if settings.get(key)}
