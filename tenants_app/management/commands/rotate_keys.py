from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants_app.actions import rotate_secrets
from tenants_app.crypto import Undecryptable


class Command(BaseCommand):
    help = "Encrypt every secret again with the first key of HIGHWAY_ENCRYPTION_KEYS; the other keys may go after that."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rotate_secrets()
        except Undecryptable as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        self.stdout.write(f"{count} secret(s) are encrypted with the first key now.")
