"""What is wrong with a schedule, all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from highway_automation.base import clock, safe_json
from highway_automation.base.errors import FieldError, HighwayError, Invalid
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema import fill_and_validate
from runs_app.actions import store_definition
from runs_app.models import WorkflowDefinition
from schedules_app import cron, names, timing
from schedules_app.actions.pause import decided_after
from schedules_app.cron import CronError
from schedules_app.models import ScheduledWorkflow
from templates_app.actions.versions import FindVersion, pinned_or_current, version_to_start
from templates_app.models import WorkflowTemplate
from tenants_app.models import Tenant

FOUND = ("tenant", "template", "definition", "owner")
"""Given as rows, which somebody has found already."""
TARGETS = "Name exactly one of template and workflow_definition."


@dataclass(frozen=True)
class Questions:
    """What checking asks beyond the schedule itself. Who checks many brings the answers for all of them."""

    define: Callable[[Tenant, JSON], tuple[WorkflowDefinition, list[dict[str, str]]]] = store_definition
    version: FindVersion = pinned_or_current
    decided: Callable[[ScheduledWorkflow, datetime], Collection[datetime]] = decided_after


ONE_BY_ONE = Questions()


def checked(schedule: ScheduledWorkflow, questions: Questions = ONE_BY_ONE) -> list[dict[str, str]]:
    """Store the definition, if it has one, and return its warnings. Raises Invalid naming every field that is wrong."""
    errors = [*column_errors(schedule), *time_errors(schedule), *input_errors(schedule)]
    warnings: list[dict[str, str]] = []
    if bool(schedule.template) == (schedule.workflow_definition is not None):
        errors.append(FieldError("template" if schedule.template else "workflow_definition", TARGETS))
    elif schedule.workflow_definition is not None:
        if schedule.template_version is not None:
            errors.append(FieldError("template_version", "Only a template has versions."))
        try:
            schedule.definition, warnings = questions.define(schedule.tenant, schedule.workflow_definition)
        except Invalid as error:
            errors += error.field_errors
    elif schedule.template is not None:
        schedule.definition = None
        errors += template_errors(schedule, schedule.template, questions)
    if errors:
        errors = list(dict.fromkeys(errors))
        told = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise Invalid(f"The schedule is not valid. {told}"[:2000], errors=errors)
    return warnings


def column_errors(schedule: ScheduledWorkflow) -> Iterator[FieldError]:
    """What the columns themselves refuse. A name may still be missing: it is given later."""
    optional = {"name"} if not schedule.name else set()
    try:
        schedule.full_clean(
            exclude={*optional, "workflow_definition", *FOUND}, validate_unique=False, validate_constraints=False
        )
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            yield from (FieldError("" if field == NON_FIELD_ERRORS else field, message) for message in messages)


def time_errors(schedule: ScheduledWorkflow) -> Iterator[FieldError]:
    try:
        schedule.spec  # noqa: B018  (parsing is the check)
    except CronError as error:
        yield FieldError(error.field, str(error))
        return
    except (TypeError, AttributeError):
        yield FieldError("cron_expression", "Give a text.")
        return
    if schedule.start_at and schedule.end_at and schedule.end_at <= schedule.start_at:
        yield FieldError("end_at", "The end lies before the start.")
    elif schedule.enabled and timing.first_slot(schedule, clock.now()) is None:
        yield no_time_left(schedule)
    if schedule.enabled and schedule.remaining_runs == 0:
        yield FieldError("remaining_runs", "Give at least 1, or pause the schedule.")


def no_time_left(schedule: ScheduledWorkflow) -> FieldError:
    only = cron.only_tick(schedule.spec)
    if schedule.spec.once and (only is None or only.at <= clock.now()):
        told = "This time has passed." if only else "The clocks jump over this time; choose what happens to it."
        return FieldError("cron_expression", told)
    return FieldError("end_at", "No time of the expression is left before this end.")


def input_errors(schedule: ScheduledWorkflow) -> Iterator[FieldError]:
    if not isinstance(schedule.inputs, dict):
        yield FieldError("inputs", "Give a JSON object.")
        return
    try:
        safe_json.check(schedule.inputs)
        unknown = names.unknown_references(schedule.inputs)
    except (safe_json.UnsafeJSON, names.ExpressionError) as error:
        yield FieldError("inputs", str(error))
        return
    for name in unknown:
        yield FieldError("inputs", f"`{name}` does not exist in a schedule.")


def template_errors(
    schedule: ScheduledWorkflow, template: WorkflowTemplate, questions: Questions
) -> Iterator[FieldError]:
    """Whether its inputs would be accepted: better now than at every tick. A disabled template is no error yet."""
    at = clock.now()
    try:
        version = version_to_start(template, schedule.template_version, questions.version)
        fill_and_validate(version.input_schema, names.filled(schedule, at - timedelta(hours=1), at))
    except HighwayError as error:
        yield from error.field_errors or [FieldError("template", error.message)]
    except (names.ExpressionError, CronError, TypeError):
        return  # told by the checks of inputs and times
