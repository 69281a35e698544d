"""Writing triggers: checked whole before they are saved, and announced to every process's index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from highway_automation.base import clock, db, safe_json
from highway_automation.base.db import uuid7
from highway_automation.base.db.untrusted_json import Unreadable
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from highway_automation.base.safe_json import JSON
from runs_app.actions import store_definition
from runs_app.models import WorkflowDefinition
from tenants_app.actions.checks import invalid
from tenants_app.models import Tenant
from triggers_app import fitting
from triggers_app.filters import FilterError, parse
from triggers_app.globs import compile_glob
from triggers_app.mapping import mapping_problems
from triggers_app.models import EventTrigger, TriggerRevision
from triggers_app.targets import Targets

DEEPEST = 100
FIELDS = frozenset(
    {
        *("name", "event_type", "filter_expression", "source_match", "subject_match"),
        *("template", "template_version", "workflow_definition", "input_mapping", "mode", "max_depth", "enabled"),
    }
)
TEXTS = ("name", "event_type", "source_match", "subject_match")
NOT_HERE = {"workflow_definition", "tenant", "template", "definition"}
"""Checked elsewhere, or given as rows that somebody has found already."""
Warnings: TypeAlias = list[dict[str, str]]


def create_trigger(tenant: Tenant, values: Mapping[str, Any]) -> tuple[EventTrigger, Warnings]:
    """A trigger of the tenant, and the warnings about its definition.

    `values` are columns of the model (`template` a WorkflowTemplate). Without a name it is called `<event_type>-<n>`.

    Raises:
        Invalid: naming every field that is wrong.
        Conflict: the tenant has a trigger of this name.
    """
    with db.atomic():
        touch(tenant.pk)
        trigger, warnings = made(tenant, values)
        _write(trigger, force_insert=True)
    return trigger, warnings


@dataclass
class Questions:
    """What checking asks beyond the trigger itself. Who checks many brings the answers for all of them."""

    define: Callable[[Tenant, JSON], tuple[WorkflowDefinition, Warnings]] = store_definition
    targets: Targets = field(default_factory=Targets)


def made(
    tenant: Tenant, values: Mapping[str, Any], questions: Questions | None = None
) -> tuple[EventTrigger, Warnings]:
    """A new trigger, checked, not saved. Raises Invalid."""
    trigger = EventTrigger(tenant=tenant)
    _apply(trigger, values)
    trigger.name = trigger.name or _free_name(trigger)
    return trigger, _check(trigger, questions or Questions())


def changed(row: EventTrigger, values: Mapping[str, Any], questions: Questions | None = None) -> Warnings:
    """Change the row, check it, do not save it. Raises Invalid."""
    _apply(row, values)
    row.name = row.name or _free_name(row)
    row.updated_at = clock.now()
    return _check(row, questions or Questions())


def update_trigger(trigger: EventTrigger, values: Mapping[str, Any]) -> tuple[EventTrigger, Warnings]:
    """Change the given columns. Events that were dispatched before are not looked at again. Raises as
    `create_trigger` does, and NotFound.
    """
    with db.atomic():
        row = locked(trigger)
        warnings = changed(row, values)
        _write(row)
    return row, warnings


def delete_trigger(trigger: EventTrigger) -> None:
    """Its deliveries stay, with its name. Raises NotFound when it is gone already."""
    with db.atomic():
        locked(trigger).delete()


def pause_trigger(trigger: EventTrigger) -> EventTrigger:
    """Events that come while it is paused pass it by. A paused one stays paused."""
    return _switch(trigger, enabled=False)


def resume_trigger(trigger: EventTrigger) -> EventTrigger:
    return _switch(trigger, enabled=True)


def _switch(trigger: EventTrigger, *, enabled: bool) -> EventTrigger:
    with db.atomic():
        row = locked(trigger)
        row.enabled, row.updated_at = enabled, clock.now()
        row.save(update_fields=["enabled", "updated_at"])
    return row


def locked(trigger: EventTrigger) -> EventTrigger:
    """The row as it is now, its tenant's triggers locked until the transaction ends. Raises NotFound."""
    touch(trigger.tenant_id)
    row = db.lock_rows(EventTrigger.objects.for_tenant(trigger.tenant_id).filter(pk=trigger.pk)).first()
    if row is None:
        raise NotFound("There is no such trigger.")
    return row


def touch(tenant_id: str) -> None:
    """The tenant's triggers change in this transaction: others that change them wait, and every index grows old."""
    changed = TriggerRevision.objects.filter(tenant_id=tenant_id).update(stamp=uuid7())
    if not changed:
        _, created = TriggerRevision.objects.get_or_create(tenant_id=tenant_id)
        if not created:
            touch(tenant_id)


def _apply(trigger: EventTrigger, values: Mapping[str, Any]) -> None:
    """Set columns. To name a template lets go of the definition, and the other way round."""
    if unknown := set(values) - FIELDS:
        raise TypeError(f"A trigger has no {', '.join(sorted(unknown))}.")
    if values.get("template") and "workflow_definition" not in values:
        trigger.workflow_definition = None
    if values.get("workflow_definition") is not None and "template" not in values:
        trigger.template, trigger.template_version = None, None
    for column, value in values.items():
        setattr(trigger, column, value)


def _write(trigger: EventTrigger, *, force_insert: bool = False) -> None:
    try:
        with db.savepoint():
            trigger.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(f"There is a trigger named '{trigger.name}' already.") from None


def _free_name(trigger: EventTrigger) -> str:
    stem = f"{trigger.event_type}-"
    named = EventTrigger.objects.for_tenant(trigger.tenant_id).filter(name__startswith=stem)
    taken = set(named.values_list("name", flat=True))
    return next(name for number in count(1) if (name := f"{stem}{number}") not in taken)


def _check(trigger: EventTrigger, questions: Questions) -> Warnings:
    """Store the definition, if it has one, and return its warnings. Raises Invalid naming every field that is wrong."""
    problems = [
        *_column_problems(trigger),
        *_match_problems(trigger),
        *mapping_problems(trigger.input_mapping),
        *fitting.problems(trigger, questions.targets),
    ]
    warnings: Warnings = []
    trigger.definition = None
    try:
        if trigger.workflow_definition is not None:
            trigger.definition, warnings = questions.define(trigger.tenant, trigger.workflow_definition)
    except Invalid as error:
        problems += error.field_errors
    if problems:
        told = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise Invalid(f"The trigger is not valid. {told}"[:2000], errors=problems)
    doubts = fitting.warnings(trigger, questions.targets)
    return [*warnings, *({"path": it.field, "message": it.message} for it in doubts)]


def _column_problems(trigger: EventTrigger) -> list[FieldError]:
    """What the columns themselves refuse; whether the name is free is seen when it is written."""
    for name in TEXTS:
        if safe_json.UNSTORABLE.search(str(getattr(trigger, name))):
            return [FieldError(name, "Give text without NUL characters.")]
    try:
        trigger.full_clean(exclude=NOT_HERE, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        return invalid(trigger, error).field_errors
    return []


def _match_problems(trigger: EventTrigger) -> Iterator[FieldError]:
    for name in TEXTS[1:]:
        try:
            compile_glob(getattr(trigger, name))
        except ValueError as error:
            yield FieldError(name, str(error))
    try:
        if isinstance(trigger.filter_expression, Unreadable):
            raise FilterError("", trigger.filter_expression.reason)
        parse(safe_json.check(trigger.filter_expression))
    except FilterError as error:
        yield FieldError(f"filter_expression.{error.path}" if error.path else "filter_expression", error.message)
    except safe_json.UnsafeJSON as error:
        yield FieldError("filter_expression", str(error))
    if not 0 <= trigger.max_depth <= DEEPEST:
        yield FieldError("max_depth", f"Give a number from 0 to {DEEPEST}.")
