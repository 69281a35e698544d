from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from highway_automation.base.clock import now
from tenants_app.actions import create_api_key
from tenants_app.management.refusals import refusals, tenant_named
from tenants_app.roles import Role


class Command(BaseCommand):
    help = "Create an API key and print it, alone, on stdout. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--role", required=True, choices=Role.values, help="what its holder may do")
        parser.add_argument("--days", type=float, help="after how many days it ends; default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        ends = None if options["days"] is None else now() + timedelta(days=options["days"])
        with refusals():
            _, key = create_api_key(tenant, options["name"], options["role"], expires_at=ends)
        self.stdout.write(key)
