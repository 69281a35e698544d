from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from highway_automation.base import safe_json
from highway_automation.base.bulk.folder import write_folder
from highway_automation.kinds import KINDS
from tenants_app.management.refusals import refusals, tenant_named


class Command(BaseCommand):
    help = "Write a tenant's templates, schedules and triggers as YAML files that import as unchanged; never secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="new, or of an earlier export")
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--kind", action="append", choices=list(KINDS), help="only these; may be repeated")
        parser.add_argument("--json", action="store_true", help="the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        told: dict[str, Any] = {}
        for plural in options["kind"] or KINDS:
            kind = KINDS[plural]
            try:
                with refusals():
                    told[plural] = asdict(write_folder(options["folder"] / plural, kind.LAYOUT, kind.rows_of(tenant)))
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}.") from None
        if options["json"]:
            self.stdout.write(safe_json.dumps(told))
            return
        for plural, counts in told.items():
            self.stdout.write("{rows} {0}, {changed} files written, {removed} removed".format(plural, **counts))
