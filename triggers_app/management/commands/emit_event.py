from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from highway_automation.base import safe_json
from tenants_app.management.refusals import refusals, tenant_named
from triggers_app.actions import record_event
from triggers_app.api.events import event_json


class Command(BaseCommand):
    help = "Record an event; its triggers start their workflows. Prints the event as one JSON object."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", help="such as order_placed")
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--payload", default="{}", help="a JSON object")
        parser.add_argument("--source", default="command", help="who says so (default: command)")
        parser.add_argument("--subject", default="", help="what it is about")
        parser.add_argument("--external-id", help="your id of the event: the same one again is the same event")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            payload = safe_json.parse(options["payload"])
        except safe_json.UnsafeJSON as error:
            raise CommandError(f"--payload: {error}", returncode=2) from None
        tenant = tenant_named(options["tenant"])
        with refusals():
            event, new = record_event(
                tenant,
                options["type"],
                payload,
                external_id=options["external_id"],
                source=options["source"],
                subject=options["subject"],
            )
        self.stdout.write(safe_json.dumps({**event_json(event), "duplicate": not new}))
