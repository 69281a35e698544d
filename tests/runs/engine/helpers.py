from __future__ import annotations

from typing import Any

from runs_app.models import RunBranch, StepRun, WorkflowRun


def steps(run: WorkflowRun) -> list[tuple[str, str]]:
    """(path, status) of every attempt, in the order in which they began."""
    rows = StepRun.objects.for_tenant(run.tenant_id).filter(run=run).order_by("step_id")
    return [(row.path, row.status) for row in rows]


def step(run: WorkflowRun, path: str) -> StepRun:
    """The last attempt at a step."""
    return StepRun.objects.for_tenant(run.tenant_id).filter(run=run, path=path).order_by("attempt").last()  # type: ignore[return-value]


def branches(run: WorkflowRun) -> Any:
    return RunBranch.objects.for_tenant(run.tenant_id).filter(run=run)


def task(task_id: str, function: str, *after: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": function,
        "kwargs": kwargs,
        "dependencies": list(after),
    }


def condition(task_id: str, test: str, yes: str | None, no: str | None, *after: str) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "operator_type": "condition",
        "condition": test,
        "if_true": yes,
        "if_false": no,
        "dependencies": list(after),
    }


def wait(task_id: str, wait_for: Any, *after: str) -> dict[str, Any]:
    return {"task_id": task_id, "operator_type": "wait", "wait_for": wait_for, "dependencies": list(after)}


def emit(task_id: str, event: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "operator_type": "emit_event", "event_name": event, "dependencies": list(after), **more}


def hear(task_id: str, event: str, *after: str, **more: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "operator_type": "wait_for_event",
        "event_name": event,
        "result_key": f"{task_id}_heard",
        "dependencies": list(after),
        **more,
    }


def activity(task_id: str, function: str, *after: str, **more: Any) -> dict[str, Any]:
    return {**task(task_id, function, *after), "operator_type": "activity", "result_key": f"{task_id}_started", **more}
