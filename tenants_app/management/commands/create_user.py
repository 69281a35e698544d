from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants_app.actions import invite
from tenants_app.management.refusals import refusals, tenant_named
from tenants_app.roles import Role


class Command(BaseCommand):
    help = (
        "Give a person a place in a tenant. A new one's password is read from HIGHWAY_USER_PASSWORD, when set; else "
        "they are mailed a link by which they choose one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--role", default=Role.VIEWER, choices=Role.values, help="default: viewer")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        password = os.environ.get("HIGHWAY_USER_PASSWORD")
        with refusals():
            membership = invite(email=options["email"], tenant=tenant, role=options["role"], password=password)
        self.stdout.write(membership.user.email)
