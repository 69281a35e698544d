"""Rows of named events, of waits for them, and of what tools left open, written with the step that ends or parks."""

from __future__ import annotations

from collections.abc import Sequence

from highway_automation.base import clock, db
from highway_automation.base.db.fenced import Delete, Insert, Statement
from runs_app.engine.claim import Claim
from runs_app.engine.resolve import StepScope
from runs_app.engine.wake import Happened, await_name, bring_names, deliver
from runs_app.models import EventWait, WorkflowEvent
from runs_app.operators import OPERATORS
from runs_app.outcomes import Emission, Failed, Parked, Succeeded
from runs_app.past import find
from runs_app.tools import find_tool


def emissions(claim: Claim, outcome: Succeeded | Failed) -> Sequence[Emission]:
    """What this end of the step tells by itself, and what its operator tells of any end."""
    operator = OPERATORS.get(claim.task["operator_type"])
    own = outcome.emits if isinstance(outcome, Succeeded) else ()
    return (*own, *operator.announces(claim.task, outcome)) if operator else own


def lock(claim: Claim, emitted: Sequence[Emission]) -> None:
    if emitted:
        bring_names((claim.branch.tenant_id, emission.name) for emission in emitted)


def rows(claim: Claim, scope: StepScope, emitted: Sequence[Emission]) -> list[Insert]:
    """One row for each event; where there is one of that name already, that one stays."""
    return [
        Insert(
            WorkflowEvent,
            {
                "workflow_event_id": db.uuid7(),
                "tenant_id": claim.branch.tenant_id,
                "name": emission.name,
                "run_id": claim.run.pk if emission.own_run else None,
                "emitted_by": claim.run.pk,
                "payload": scope.storable(emission.payload),
                "error": scope.masked(emission.error),
                "created_at": clock.moment(),
            },
            unless_there=True,
        )
        for emission in emitted
    ]


def tell(claim: Claim, scope: StepScope, emitted: Sequence[Emission]) -> None:
    """Wake who waits for these events. Their rows are written."""
    if not emitted:
        return
    at = clock.now()
    for emission in emitted:
        payload, error = scope.storable(emission.payload), scope.masked(emission.error)
        event = Happened(claim.branch.tenant_id, emission.name, payload, at, error)
        deliver(event, run_id=claim.run.pk if emission.own_run else None)


def has_come(claim: Claim, parked: Parked) -> bool:
    """Whether the event that the step is about to wait for is there; from here on nobody brings it unseen."""
    if not parked.event:
        return False
    await_name(claim.branch.tenant_id, parked.event)
    return find(claim.run, parked.event) is not None


def begun(claim: Claim, parked: Parked) -> list[Insert]:
    if not parked.event:
        return []
    values = {
        "tenant_id": claim.branch.tenant_id,
        "run_id": claim.run.pk,
        "branch_id": claim.branch.pk,
        "path": claim.start.path,
        "name": parked.event,
        "created_at": clock.moment(),
    }
    return [Insert(EventWait, values, merge_on=("run_id", "path"), merge=("name",))]


def over(claim: Claim) -> list[Delete]:
    """With the step's end its wait is gone, whatever came of it."""
    waited = claim.start.parked and claim.start.parked.get("event")
    return [Delete(EventWait, {"run_id": claim.run.pk, "path": claim.start.path})] if waited else []


def withdrawn(claim: Claim, outcome: Succeeded | Failed) -> Sequence[Statement]:
    """What its tool left open, where the step fails. Others lock the run before such rows; so must who writes this."""
    operator = OPERATORS.get(claim.task["operator_type"])
    if operator is None or not isinstance(outcome, Failed):
        return ()
    tool = find_tool(operator.tool(claim.task))
    return tool.withdraw(claim.run.pk, claim.start.path) if tool else ()
