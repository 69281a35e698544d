"""Runs that a step of another run starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from highway_automation.base import db
from highway_automation.base.errors import Conflict, FieldError, Invalid, NotFound
from highway_automation.base.safe_json import JSON
from runs_app.actions.submit import submit_run
from runs_app.cause import Cause, Lineage
from runs_app.models import WorkflowDefinition, WorkflowName, WorkflowRun
from runs_app.statuses import OPEN

DEEPEST = 10
"""How many runs may have started each other in a row: enough for real use, and an end to a flow that calls itself."""
LONGEST_KEY = 255
Fit = Callable[[str, str, int, JSON], JSON]
_FITS: list[Fit] = []


def register_fit(fit: Fit) -> None:
    """`fit(tenant_id, name, version, inputs)` gives the inputs as what was published so takes them, or raises."""
    if fit not in _FITS:
        _FITS.append(fit)


@dataclass(frozen=True)
class Caller:
    """The step that starts a run: of this attempt at it there is only one."""

    tenant_id: str
    run_id: UUID
    path: str
    attempt: int

    @property
    def key(self) -> str:
        key = f"parent:{self.run_id}:{self.attempt}:{self.path}"
        return key if len(key) <= LONGEST_KEY else key[:180] + hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class Called:
    """What a child runs: the newest definition published under a name, or a stored one by its id."""

    definition: WorkflowDefinition
    name: str
    version: int | None = None


def find_called(tenant_id: str, *, workflow_name: str = "", definition_id: str = "") -> Called:
    """Raises NotFound, for what another tenant owns just as for what nobody does."""
    if definition_id:
        definitions = WorkflowDefinition.objects.for_tenant(tenant_id)
        definition = definitions.filter(pk=_uuid(definition_id)).first()
        if definition is None:
            raise NotFound(f"There is no definition {definition_id}.")
        return Called(definition, definition.name)
    published = WorkflowName.objects.for_tenant(tenant_id).filter(name=workflow_name)
    newest = published.select_related("definition").order_by("-version").first()
    if newest is None:
        raise NotFound(f"There is no workflow {workflow_name!r}; publish a template of that name.")
    return Called(newest.definition, newest.name, newest.version)


def start_child(caller: Caller, called: Called, inputs: JSON, *, awaited: bool) -> WorkflowRun:
    """The run that this attempt at the step has started, started now if it has not.

    Awaited, it wakes the step with its end and is cancelled with its parent. Else it is on its own.

    Raises:
        Conflict: the parent is over, or what it calls may not run.
        Invalid: the inputs do not fit, or too many runs have started each other.
    """
    with db.atomic():
        runs = WorkflowRun.objects.for_tenant(caller.tenant_id)
        parent = db.lock_rows(runs.filter(pk=caller.run_id)).get()
        if earlier := runs.filter(idempotency_key=caller.key).first():
            return earlier
        if parent.status not in OPEN:
            raise Conflict(f"The run is {parent.status} already.", status_now=parent.status)
        if parent.nesting >= DEEPEST:
            message = f"{DEEPEST} runs have started each other in a row; a workflow that calls itself has to end."
            raise Invalid(message, errors=[FieldError("workflow_name", message)])
        run, _created = submit_run(
            definition=called.definition,
            inputs=_fitted(caller, called, inputs),
            cause=Cause("parent", str(parent.pk)),
            actor=parent.actor,
            idempotency_key=caller.key,
            workflow_name=called.name,
            template_version=called.version,
            priority=parent.priority,
            depth=parent.depth,
            lineage=_lineage(parent, caller.path if awaited else ""),
        )
    return run


def _fitted(caller: Caller, called: Called, inputs: JSON) -> JSON:
    if called.version is None:
        return inputs
    for fit in _FITS:
        inputs = fit(caller.tenant_id, called.name, called.version, inputs)
    return inputs


def find_child(caller_tenant: str, run_id: str) -> WorkflowRun | None:
    return WorkflowRun.objects.for_tenant(caller_tenant).filter(pk=UUID(run_id)).first()


def _lineage(parent: WorkflowRun, path: str) -> Lineage:
    """Without a path nobody waits for the run."""
    return Lineage(parent.root_run_id or parent.pk, parent.nesting + 1, parent.pk if path else None, path)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
