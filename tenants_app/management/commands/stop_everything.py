from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants_app.actions import stop_all, stop_tenant
from tenants_app.management.refusals import refusals, tenant_named


class Command(BaseCommand):
    help = "Stop everything, of one tenant or of all: nothing new starts, what runs pauses at its next step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this one")
        parser.add_argument("--reason", default="", help="shown to everybody in the admin")
        parser.add_argument("--cancel", action="store_true", help="cancel what runs now instead of pausing it")

    def handle(self, *args: Any, **options: Any) -> None:
        how = {"reason": options["reason"], "cancel": options["cancel"]}
        tenant = tenant_named(options["tenant"]) if options["tenant"] else None
        with refusals():
            if tenant:
                stop_tenant(tenant, **how)
            else:
                stop_all(**how)
        self.stdout.write(f"Stopped: {tenant.pk if tenant else 'everything'}. `resume_everything` lets it go on.")
