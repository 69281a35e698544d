from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants_app.actions import resume_all, resume_tenant
from tenants_app.management.refusals import refusals, tenant_named


class Command(BaseCommand):
    help = "Let go on what `stop_everything` stopped. Tenants that were stopped by themselves stay so without --tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"]) if options["tenant"] else None
        with refusals():
            if tenant:
                resume_tenant(tenant)
            else:
                resume_all()
        self.stdout.write(f"Goes on: {tenant.pk if tenant else 'everything'}.")
