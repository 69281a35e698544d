from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.management.color import color_style

from highway_automation.doctor import Finding, State, examine

STYLE = color_style()
COLOURS = {State.OK: STYLE.SUCCESS, State.WARNING: STYLE.WARNING, State.FAILED: STYLE.ERROR}


class Command(BaseCommand):
    help = "Say what is wrong with this installation, and the cure. Exit code 1 when something failed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine())
        if options["json"]:
            self.stdout.write(json.dumps({"findings": [asdict(finding) for finding in findings]}))
        else:
            self.tell(findings)
        if any(finding.state is State.FAILED for finding in findings):
            sys.exit(1)

    def tell(self, findings: list[Finding]) -> None:
        for finding in findings:
            state = COLOURS[finding.state](f"{finding.state:<8}")
            self.stdout.write(f"{state} {finding.check}: {finding.message}")
            if finding.cure:
                self.stdout.write(f"{'':<9}\u2192 {finding.cure}")
        counts = Counter(finding.state for finding in findings)
        self.stdout.write(", ".join(f"{counts[state]} {state}" for state in State))
