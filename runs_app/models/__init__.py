from __future__ import annotations

from runs_app.models.definitions import WorkflowDefinition, WorkflowName
from runs_app.models.mail import EmailTemplate
from runs_app.models.runs import RunBranch, StepLog, StepRun, WorkflowRun
from runs_app.models.workers import Worker

__all__ = [
    "EmailTemplate",
    "RunBranch",
    "StepLog",
    "StepRun",
    "Worker",
    "WorkflowDefinition",
    "WorkflowName",
    "WorkflowRun",
]
