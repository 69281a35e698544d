from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the whole product on this machine: web, worker and scheduler in one process (PORT, VAR_DIR)."

    def handle(self, *args: Any, **options: Any) -> None:
        from highway_automation.up.main import up

        sys.exit(up())
