from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants_app.actions import create_tenant
from tenants_app.management.refusals import refusals


class Command(BaseCommand):
    help = "Create a tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant_id", help="up to 64 letters, digits, '_', '.' and '-'")
        parser.add_argument("--name", default="", help="what people call it")
        parser.add_argument("--api-url", help="where its workflows reach this product, as http://host:port")
        parser.add_argument(
            "--tool",
            action="append",
            dest="tools",
            help='a tool it may use, or a prefix like "tools.shell.*"; repeat it. Default: mail, HTTP, time, '
            "approvals, workflows, log",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals():
            tenant = create_tenant(
                options["tenant_id"], options["name"], api_url=options["api_url"], tools=options["tools"]
            )
        self.stdout.write(tenant.pk)
