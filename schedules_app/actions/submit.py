"""One due time becomes a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from highway_automation.base.errors import Conflict
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from runs_app.actions import store_definition, submit_run
from runs_app.cause import Cause
from runs_app.models import WorkflowDefinition, WorkflowRun
from schedules_app import names
from schedules_app.models import ScheduledWorkflow
from templates_app.actions.versions import version_to_start
from templates_app.models import WorkflowTemplate
from tenants_app.models import User


@dataclass(frozen=True)
class Start:
    """What a schedule starts now, and with which inputs."""

    definition: WorkflowDefinition
    inputs: JSON
    name: str | None = None
    version: int | None = None


def submit(
    schedule: ScheduledWorkflow, at: datetime, before: datetime, *, key: str | None, actor: User | None = None
) -> tuple[WorkflowRun, bool]:
    """The run of one time; `before` is the time ahead of it. A second call with the same key returns the same run.

    Raises whatever keeps it from starting: Invalid (inputs), Conflict (template disabled), ExpressionError…
    """
    start = start_of(schedule, before, at)
    return submit_run(
        definition=start.definition,
        inputs={**names.interval(before, at), **start.inputs},
        cause=cause_of(schedule),
        tenant=schedule.tenant,
        actor=actor,
        idempotency_key=key,
        workflow_name=start.name,
        template_version=start.version,
        context=names.context_of(schedule, before, at),
    )


def key_of(schedule: ScheduledWorkflow, at: datetime) -> str:
    """What makes the run of one time once."""
    return f"cron:{schedule.pk}:{names.iso(at)}"


def start_of(schedule: ScheduledWorkflow, before: datetime, at: datetime) -> Start:
    inputs = names.filled(schedule, before, at)
    if schedule.template is None:
        return Start(schedule.definition or stored(schedule), inputs)
    if not schedule.template.enabled:
        raise Conflict(f"Template {schedule.template.name} is disabled.")
    return template_start(schedule, schedule.template, inputs)


def template_start(schedule: ScheduledWorkflow, template: WorkflowTemplate, inputs: JSON) -> Start:
    """The pinned or current version with the inputs that its schema wants. Raises Invalid."""
    version = version_to_start(template, schedule.template_version)
    return Start(version.definition, fill_and_validate(version.input_schema, inputs), template.name, version.number)


def stored(schedule: ScheduledWorkflow) -> WorkflowDefinition:
    """The definition of a row written by SQL, which no verb has stored. Raises Invalid."""
    schedule.definition, _warnings = store_definition(schedule.tenant, schedule.workflow_definition)
    return schedule.definition


def cause_of(schedule: ScheduledWorkflow) -> Cause:
    return Cause("schedule", str(schedule.pk))
