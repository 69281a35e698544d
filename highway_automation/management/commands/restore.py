from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from highway_automation.backups import BackupRefused, restore


class Command(BaseCommand):
    help = "Replace this installation's database by a backup's. Stop the product first."
    requires_migrations_checks = False
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--force", action="store_true", help="also while processes of the product are alive")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = restore(options["folder"], force=options["force"])
        except BackupRefused as error:
            raise CommandError(error.message) from None
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"Restored a backup of version {version}; its tables are up to date.")
