"""A backup is a folder: the database as of one moment, and the secrets without which it cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from highway_automation import __version__, installation
from highway_automation.base import clock, safe_json
from highway_automation.base.db import dumps
from highway_automation.base.errors import HighwayError
from runs_app.actions.workers import anybody_alive

NOTE = "backup.json"


class BackupRefused(HighwayError):
    """Nothing was written."""


def back_up(folder: Path) -> list[Path]:
    """Write a backup into a new folder while the product runs; the files written.

    Raises BackupRefused: the folder holds something, or the database's own program is not there.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty; name a new folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        files = [dumps.dump(folder)]
    except dumps.DumpFailed as error:
        raise BackupRefused(str(error)) from None
    secrets = Path(settings.VAR_DIR) / installation.SECRETS_FILE
    if secrets.is_file():
        files.append(Path(shutil.copy2(secrets, folder)))
    note = folder / NOTE
    note.write_text(safe_json.dumps({"version": __version__, "made_at": clock.now().isoformat()}) + "\n")
    return [*files, note]


def restore(folder: Path, *, force: bool = False) -> str:
    """Replace this installation's database by the backup's; the version that made it.

    Raises BackupRefused: it is no backup, or (unless forced) a process of the product is alive on the database.
    """
    try:
        file = dumps.file_in(folder)
        if not force and _in_use():
            raise BackupRefused("The product is running on this database. Stop it first, or insist with --force.")
        dumps.load(file)
    except dumps.DumpFailed as error:
        raise BackupRefused(str(error)) from None
    try:
        return str(json.loads((folder / NOTE).read_text())["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"


def _in_use() -> bool:
    try:
        return anybody_alive()
    except DatabaseError:  # there are no tables yet: a machine that starts from the backup
        return False
