"""Creating, changing and deleting schedules. Everything a tick could trip over is refused here, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError

from highway_automation.base import clock
from highway_automation.base.db import atomic, savepoint
from highway_automation.base.errors import Conflict
from schedules_app.actions.checks import ONE_BY_ONE, Questions, checked
from schedules_app.actions.ledger import drop_waiting
from schedules_app.actions.pause import PAUSED, forget_failures, locked, plan_from_now
from schedules_app.models import ScheduledWorkflow
from tenants_app.models import Tenant, User

FIELDS = frozenset(
    {
        *("name", "cron_expression", "template", "template_version", "workflow_definition", "inputs", "timezone"),
        *("dst_gap", "dst_overlap", "day_or", "overlap", "catch_up", "catch_up_window", "start_at", "end_at"),
        *("remaining_runs", "spread", "enabled", "pause_note", "pause_until", "pause_after_failures", "owner"),
    }
)
TIMING = ("cron_expression", "timezone", "dst_gap", "dst_overlap", "day_or", "start_at", "end_at", "spread", "enabled")

Warnings = list[dict[str, str]]


def create_schedule(
    tenant: Tenant, values: Mapping[str, Any], *, actor: User | None = None
) -> tuple[ScheduledWorkflow, Warnings]:
    """A schedule whose first time is the first one after now, and the warnings about its definition.

    `values` are columns of the model (`template` a WorkflowTemplate). Without a name it is named after what it starts.

    Raises:
        Invalid: naming every field that is wrong, an expression with the reason.
        Conflict: the tenant has a schedule of this name.
    """
    with atomic():
        schedule, warnings = made(tenant, values, owner=actor)
        write(schedule, force_insert=True)
    return schedule, warnings


def made(
    tenant: Tenant, values: Mapping[str, Any], *, owner: User | None = None, questions: Questions = ONE_BY_ONE
) -> tuple[ScheduledWorkflow, Warnings]:
    """A new schedule, checked, not saved. Raises Invalid."""
    schedule = ScheduledWorkflow(tenant=tenant, owner=owner)
    apply(schedule, values)
    warnings = checked(schedule, questions)
    schedule.name = schedule.name or free_name(schedule)
    if schedule.enabled:
        plan_from_now(schedule, questions.decided)
    return schedule, warnings


def update_schedule(schedule: ScheduledWorkflow, values: Mapping[str, Any]) -> tuple[ScheduledWorkflow, Warnings]:
    """Change the given columns. Where the times change, or it is enabled, the next time is the first one after now:
    an edit never starts a run by itself. Raises as `create_schedule` does, and NotFound.
    """
    with atomic():
        row = locked(schedule)
        was_enabled = row.enabled
        warnings = changed(row, values)
        if not row.enabled:
            drop_waiting(row, PAUSED)
        elif not was_enabled:
            forget_failures(row.tenant_id, row.pk)
        write(row)
    return row, warnings


def changed(row: ScheduledWorkflow, values: Mapping[str, Any], questions: Questions = ONE_BY_ONE) -> Warnings:
    """Change the row, check it, do not save it. Raises Invalid."""
    before = {column: getattr(row, column) for column in TIMING}
    apply(row, values)
    warnings = checked(row, questions)
    timed = {column: getattr(row, column) for column in TIMING} != before or row.next_run_at is None
    if not row.enabled:
        row.next_run_at = None
    elif timed:
        plan_from_now(row, questions.decided)
    if row.enabled and not before["enabled"]:
        row.pause_note, row.pause_until = "", None
    row.updated_at = clock.now()
    return warnings


def delete_schedule(schedule: ScheduledWorkflow) -> None:
    """The schedule ends; its runs and its ledger stay, with its name. Raises NotFound when it is gone already."""
    with atomic():
        row = locked(schedule)
        drop_waiting(row, "The schedule was deleted while this time waited.")
        row.delete()


def apply(schedule: ScheduledWorkflow, values: Mapping[str, Any]) -> None:
    """Set columns. To name a template lets go of the definition, and the other way round."""
    if unknown := set(values) - FIELDS:
        raise TypeError(f"A schedule has no {', '.join(sorted(unknown))}.")
    if values.get("template") and "workflow_definition" not in values:
        schedule.workflow_definition = None
    if values.get("workflow_definition") is not None and "template" not in values:
        schedule.template, schedule.template_version = None, None
    for column, value in values.items():
        setattr(schedule, column, value)


def free_name(schedule: ScheduledWorkflow) -> str:
    """The name of what it starts, with a number where that is taken."""
    base = schedule.template.name if schedule.template else schedule.definition.name  # type: ignore[union-attr]
    rows = ScheduledWorkflow.objects.for_tenant(schedule.tenant_id).filter(name__startswith=base)
    taken = set(rows.values_list("name", flat=True))
    return next(name for name in numbered(base[:240], len(taken) + 1) if name not in taken)


def numbered(base: str, most: int) -> list[str]:
    return [base, *(f"{base}-{number}" for number in range(2, most + 2))]


def write(schedule: ScheduledWorkflow, *, force_insert: bool = False) -> None:
    try:
        with savepoint():
            schedule.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(f"There is a schedule named '{schedule.name}' already.") from None
