from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from schedules_app.actions import ScheduleImporter
from tenants_app.actions.importing import Progress
from tenants_app.management.importing import ImportCommand
from tenants_app.models import Membership, Tenant


class Command(ImportCommand):
    help = "Create or update schedules from files or folders (YAML, JSON, CSV), all or none; says what it does."
    importer = ScheduleImporter

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--owner", metavar="EMAIL", help="the member who is told when they fail; default nobody")

    def make(self, tenant: Tenant, options: dict[str, Any], progress: Progress) -> ScheduleImporter:
        importer = ScheduleImporter(tenant, progress=progress)
        if options["owner"]:
            members = Membership.objects.for_tenant(tenant).select_related("user")
            found = members.filter(user__email__iexact=options["owner"]).first()
            if found is None:
                raise CommandError(f"--owner: nobody with the e-mail {options['owner']} is a member of {tenant.pk}.")
            importer.owner = found.user
        return importer
