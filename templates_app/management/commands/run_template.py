from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.actions import wait_for_run
from runs_app.cause import Cause
from runs_app.models import WorkflowRun
from runs_app.statuses import RunStatus
from templates_app.actions import find_template, run_template
from templates_app.models import WorkflowTemplate
from tenants_app.management.refusals import refusals, tenant_named


class Command(BaseCommand):
    help = "Start a run of a template and print it as one JSON object."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the template's")
        parser.add_argument("--tenant", required=True, help="the tenant's id")
        parser.add_argument("--input", default="{}", help="the inputs, a JSON object; default: none")
        parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait that long for its end")
        parser.add_argument("--idempotency-key", help="the same key again answers the first run")

    def handle(self, *args: Any, **options: Any) -> None:
        inputs = parsed(options["input"])
        tenant = tenant_named(options["tenant"])
        with refusals():
            template = find_template(tenant, options["name"])
            run, _created = run_template(
                template,
                inputs,
                cause=Cause("command", str(template.pk)),
                idempotency_key=options["idempotency_key"],
            )
        if options["wait"] > 0:
            run = wait_for_run(run, options["wait"])
        self.stdout.write(safe_json.dumps(told(run, template, waited=options["wait"] > 0)))
        if run.status in (RunStatus.FAILED, RunStatus.CANCELLED):
            raise CommandError(f"The run is {run.status}: {run.error}")


def parsed(text: str) -> JSON:
    """Raises CommandError (wrong usage) for what is no JSON object."""
    try:
        inputs = safe_json.parse(text)
    except safe_json.UnsafeJSON as error:
        raise CommandError(f"--input: {error}", returncode=2) from None
    if not isinstance(inputs, dict):
        raise CommandError("--input: give a JSON object.", returncode=2)
    return inputs


def told(run: WorkflowRun, template: WorkflowTemplate, *, waited: bool) -> dict[str, JSON]:
    started = {"workflow_run_id": str(run.pk), "status": run.status, "template": template.name}
    ended = {"result": run.result, "error": run.error or None} if waited else {}
    return {**started, "version": run.template_version, **ended}
