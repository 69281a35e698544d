from __future__ import annotations

from typing import Any

from runs_app.deciders import Decider
from runs_app.models import Approval, WorkflowRun
from tenants_app.models import User
from tests.conftest import Definition, workflow
from tests.runs.engine.helpers import condition, task

FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "title": "Amount", "minimum": 1},
        "note": {"type": "string", "default": "none"},
    },
    "required": ["amount"],
}


def ask(task_id: str = "ask", *after: str, **arguments: Any) -> dict[str, Any]:
    given = {"approval_key": f"{task_id}-${{run.id}}", "title": "Deploy to production?", **arguments}
    return task(task_id, "tools.approval.request", *after, **given)


def say(task_id: str, *after: str) -> dict[str, Any]:
    return task(task_id, "tools.log.info", *after, message=task_id)


def asking(**arguments: Any) -> Definition:
    """One step that asks, and nothing after it."""
    return workflow(ask(**arguments), name="release")


def guarded(**arguments: Any) -> Definition:
    """Nobody looks at how it was decided: a rejection has to stop what follows."""
    return workflow(ask(**arguments), say("deploy", "ask"), name="release")


def choosing(**arguments: Any) -> Definition:
    tasks = ask(**arguments), condition("ok", "{{ask.status}} == 'approved'", "deploy", "undo", "ask")
    return workflow(*tasks, say("deploy", "ok"), say("undo", "ok"), name="release")


def approval_of(run: WorkflowRun, path: str = "ask") -> Approval:
    found: Approval = Approval.objects.for_tenant(run.tenant_id).get(run=run, path=path)
    return found


def decider(user: User, role: str = "operator") -> Decider:
    return Decider(f"user:{user.pk}", user.email, role, user.email.lower(), user)
