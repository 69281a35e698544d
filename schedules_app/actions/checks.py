"""What is wrong with a schedule, all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from highway_automation.base import clock, safe_json
from highway_automation.base.errors import FieldError, HighwayError, Invalid
from runs_app.actions import store_definition
from schedules_app import names, timing
from schedules_app.actions.submit import template_start
from schedules_app.cron import CronError
from schedules_app.models import ScheduledWorkflow

TARGETS = "Name exactly one of template and workflow_definition."


def checked(schedule: ScheduledWorkflow) -> list[dict[str, str]]:
    """Store the definition, if it has one, and return its warnings. Raises Invalid naming every field that is wrong."""
    errors = [*column_errors(schedule), *time_errors(schedule), *input_errors(schedule)]
    warnings: list[dict[str, str]] = []
    if bool(schedule.template) == (schedule.workflow_definition is not None):
        errors.append(FieldError("template" if schedule.template else "workflow_definition", TARGETS))
    elif schedule.workflow_definition is not None:
        try:
            schedule.definition, warnings = store_definition(schedule.tenant, schedule.workflow_definition)
        except Invalid as error:
            errors += error.field_errors
    else:
        schedule.definition = None
        errors += template_errors(schedule)
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
            exclude={*optional, "workflow_definition"}, validate_unique=False, validate_constraints=False
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
        yield FieldError("end_at", "No time of the expression is left before this end.")
    if schedule.enabled and schedule.remaining_runs == 0:
        yield FieldError("remaining_runs", "Give at least 1, or pause the schedule.")


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


def template_errors(schedule: ScheduledWorkflow) -> Iterator[FieldError]:
    """Whether its inputs would be accepted: better now than at every tick. A disabled template is no error yet."""
    at = clock.now()
    try:
        template_start(schedule, names.filled(schedule, at - timedelta(hours=1), at))
    except HighwayError as error:
        yield from error.field_errors or [FieldError("template", error.message)]
    except (names.ExpressionError, CronError, TypeError):
        return  # told by the checks of inputs and times
