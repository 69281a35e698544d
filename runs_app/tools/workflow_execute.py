"""tools.workflow.execute: the step runs another workflow, as a run of its own, and waits for its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from highway_automation.base import clock
from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON
from runs_app.statuses import RunStatus
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Park, Tool, ToolContext, ToolError

if TYPE_CHECKING:
    from runs_app.models import WorkflowRun

NAME = "tools.workflow.execute"
IDS = ("definition_id", "workflow_definition_id", "workflow_id")


def run(arguments: Arguments, context: ToolContext) -> JSON | Park:
    """workflow_name or definition_id, inputs, wait → the result of that run; not waiting, its id and status."""
    from runs_app.actions import children  # the actions read the registry of tools

    given = Given(NAME, arguments, ("workflow_name", *IDS, "inputs", "wait"))
    waits = given.flag("wait", True)
    caller = children.Caller(context.tenant_id, context.run_id, context.path, context.attempt)
    try:
        called = children.find_called(context.tenant_id, **_target(given))
        child = children.start_child(caller, called, dict(given.mapping("inputs")), awaited=waits)
    except HighwayError as error:
        raise ToolError(f"{NAME}: {error.lines()}", permanent=True) from error
    context.log(f"Run {child.pk} of {child.workflow_name}\n")
    if not waits:
        return {"workflow_run_id": str(child.pk), "workflow_name": child.workflow_name, "status": child.status}
    return _result(child, _deadline(context))


def resume(state: JSON, context: ToolContext) -> JSON | Park:
    """The end of the child; back to sleep when something else woke the step. Out of time, the child ends with it."""
    from runs_app.actions import cancel, children

    until = datetime.fromisoformat(state["until"]) if state["until"] else None
    child = children.find_child(context.tenant_id, state["workflow_run_id"])
    if child is None:
        raise ToolError(f"{NAME}: the run {state['workflow_run_id']} was deleted.", permanent=True)
    if not child.is_final and until and until <= clock.now():
        cancel.cancel_if_open(child, "Its parent's step ran out of time.")
        message = f"{NAME}: {child.workflow_name} took longer than the step's timeout; its run was cancelled."
        raise ToolError(message, output=_about(child))
    return _result(child, until)


def _target(given: Given) -> dict[str, str]:
    ids = [name for name in IDS if name in given]
    if "workflow_name" in given and not ids:
        return {"workflow_name": given.text("workflow_name")}
    if len(ids) == 1 and "workflow_name" not in given:
        return {"definition_id": given.text(ids[0])}
    raise given.refusal("workflow_name", "or definition_id must be given, one of them")


def _deadline(context: ToolContext) -> datetime | None:
    try:
        return clock.now() + timedelta(seconds=context.timeout) if context.timeout else None
    except OverflowError:
        return None


def _result(child: WorkflowRun, until: datetime | None) -> JSON | Park:
    if not child.is_final:
        state = {"workflow_run_id": str(child.pk), "until": until.isoformat() if until else None}
        return Park(until, state, note=f"run {child.pk} of {child.workflow_name}")
    if child.status != RunStatus.COMPLETED:
        message = (
            f"{NAME}: {child.workflow_name} {'was' if child.status == RunStatus.CANCELLED else 'has'} {child.status}"
        )
        raise ToolError(f"{message}: {child.error}", output=_about(child))
    return child.result


def _about(child: WorkflowRun) -> JSON:
    return {"workflow_run_id": str(child.pk), "status": child.status, "error": child.error, "result": child.result}


TOOL = Tool(NAME, run, positional=("workflow_name", "inputs"), bind={"inputs": "text"}, resume=resume)
