from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from highway_automation.backups import BackupRefused, back_up


class Command(BaseCommand):
    help = "Write the database, as of one moment, and the installation's secrets into a new folder. Nothing stops."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            files = back_up(options["folder"])
        except BackupRefused as error:
            raise CommandError(error.message) from None
        for file in files:
            self.stdout.write(f"{file}  {file.stat().st_size} bytes")
