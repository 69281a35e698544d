from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants_app.actions import password_link
from tenants_app.management.refusals import refusals


class Command(BaseCommand):
    help = "Print a one-time link by which a user chooses a new password. Give it to nobody else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name or e-mail")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals():
            _, link = password_link(options["user"])
        self.stdout.write(link)
