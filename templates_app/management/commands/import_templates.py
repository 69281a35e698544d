from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import track

from highway_automation.base import safe_json
from templates_app.actions import ImportRefused, Planned, import_templates
from templates_app.files import Entry, FileRefused, entries_of
from tenants_app.management.refusals import tenant_named


class Command(BaseCommand):
    help = "Create or update templates from files or folders (JSON, YAML, Python, CSV), all or none; says what it does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--tenant", required=True)
        parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
        parser.add_argument("--json", action="store_true", help="the plan as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        try:
            entries = entries_of(options["paths"])
            planned = import_templates(tenant, entries, dry_run=options["dry_run"], progress=progress)
        except FileRefused as error:
            self.refuse([str(error)], options)
        except ImportRefused as error:
            self.refuse(error.lines, options)
        else:
            self.tell(planned, options)

    def refuse(self, lines: list[str], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(safe_json.dumps({"applied": False, "errors": lines}))
        raise CommandError("\n".join([*lines, "Nothing was imported."]))

    def tell(self, planned: list[Planned], options: dict[str, Any]) -> None:
        counts: Counter[str] = Counter(plan.action for plan in planned)
        if options["json"]:
            self.stdout.write(
                safe_json.dumps(
                    {"applied": not options["dry_run"], "counts": counts, "plan": list(map(as_json, planned))}
                )
            )
            return
        for plan in planned:
            changes = f"  ({', '.join(plan.changes)})" if plan.action == "update" else ""
            self.stdout.write(f"{plan.action:<9}  {plan.entry.name}  {plan.entry.place()}{changes}")
            for warning in plan.warnings:
                self.stdout.write(f"           warning: {warning['path']}: {warning['message']}")
        summary = ", ".join(f"{counts[action]} {word}" for action, word in WORDS.items())
        self.stdout.write(f"{summary}{' (nothing was changed)' if options['dry_run'] else ''}")


WORDS = {"create": "created", "update": "updated", "unchanged": "unchanged"}


def as_json(plan: Planned) -> dict[str, Any]:
    return {
        "action": plan.action,
        "name": plan.entry.name,
        "file": str(plan.entry.path),
        "line": plan.entry.line,
        "changes": list(plan.changes) if plan.action == "update" else [],
        "warnings": plan.warnings,
    }


def progress(entries: Iterable[Entry]) -> Iterable[Entry]:
    """A bar on the terminal's stderr, nothing elsewhere."""
    console = Console(stderr=True)
    return track(
        list(entries), description="Templates", console=console, transient=True, disable=not sys.stderr.isatty()
    )
