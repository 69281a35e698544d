"""What the import commands have in common: options, the plan as a table, the bar on stderr, and the refusal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from highway_automation.base import safe_json
from highway_automation.base.bulk.reading import Reading
from highway_automation.base.bulk.records import ImportRefused, Problem
from highway_automation.base.bulk.sources import OnDisk
from highway_automation.base.errors import HighwayError
from tenants_app.actions.importing import Importer, Plan, Progress, silent
from tenants_app.management.refusals import tenant_named
from tenants_app.models import Tenant

WIDE = 10_000
WORDS = {"create": "to create", "update": "to update", "unchanged": "unchanged"}
DONE = {"create": "created", "update": "updated", "unchanged": "unchanged"}


class ImportCommand(BaseCommand):
    """Reads files into a plan and does it, all or nothing. A subclass says of what."""

    importer: ClassVar[type[Importer[Any]]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder of them")
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--dry-run", action="store_true", help="check everything, say the plan, change nothing")
        parser.add_argument("--json", action="store_true", help="the plan as one JSON object")

    def make(self, tenant: Tenant, options: dict[str, Any], progress: Progress) -> Importer[Any]:
        return self.importer(tenant, progress=progress)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        try:
            with bar(shown=not options["json"] and sys.stderr.isatty()) as progress:
                importer = self.make(tenant, options, progress)
                progress("Reading", 0, 1)
                reading = Reading(OnDisk(options["paths"]), importer.layout, importer.compiler()).run()
                plan = importer.plan(reading.records, reading.problems)
                if not options["dry_run"]:
                    importer.apply(plan)
        except ImportRefused as error:
            self.refuse(error.problems, options)
        except HighwayError as error:
            self.refuse([error.message], options)
        else:
            self.tell(plan, options)

    def refuse(self, problems: list[Any], options: dict[str, Any]) -> None:
        if options["json"]:
            errors = [it.as_json() if isinstance(it, Problem) else {"message": it} for it in problems]
            self.stdout.write(safe_json.dumps({"applied": False, "errors": errors}))
        raise CommandError("\n".join([*map(str, problems), "Nothing was imported."]))

    def tell(self, plan: Plan[Any], options: dict[str, Any]) -> None:
        if options["json"]:
            listed = [item.as_json() for item in plan.items]
            told = {"applied": not options["dry_run"], "counts": plan.counts, "plan": listed}
            self.stdout.write(safe_json.dumps(told))
            return
        self.show(plan, everything=options["verbosity"] > 1 or len(plan.items) == plan.counts["unchanged"] <= 20)
        words = WORDS if options["dry_run"] else DONE
        summary = ", ".join(f"{plan.counts[action]} {word}" for action, word in words.items())
        self.stdout.write(f"{summary}{' (nothing was changed)' if options['dry_run'] else ''}")

    def show(self, plan: Plan[Any], *, everything: bool) -> None:
        """The table. Of rows that stay as they are only the number is told, unless there is nothing else to tell."""
        table = Table("plan", "name", "from", "changes", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for item in plan.items:
            if item.action == "unchanged" and not everything:
                continue
            changes = ", ".join(item.changes) if item.action == "update" else ""
            table.add_row(item.action, *map(printable, (item.record.name, item.record.place, changes)))
            for warning in item.warnings:
                told = printable(f"{warning['path']}: {warning['message']}")
                table.add_row("", Text("warning"), told, "", style="yellow")
        if table.row_count:
            out: Any = self.stdout._out
            console = Console(file=out, highlight=False, width=None if out.isatty() else WIDE)
            with console.capture() as printed:
                console.print(table)
            self.stdout.write("\n".join(line.rstrip() for line in printed.get().splitlines()))


def printable(text: str) -> Text:
    """What a file says must not steer the terminal."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


@contextmanager
def bar(*, shown: bool) -> Iterator[Progress]:
    """A bar on stderr while something takes its time."""
    if not shown:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as running:
        task = running.add_task("")

        def show(what: str, done: int, of: int) -> None:
            running.update(task, description=what, completed=done, total=of)

        yield show
