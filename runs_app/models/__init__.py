from __future__ import annotations

from runs_app.models.approvals import Approval, ApprovalStatus, OnTimeout
from runs_app.models.artifacts import Artifact
from runs_app.models.definitions import WorkflowDefinition, WorkflowName
from runs_app.models.mail import EmailTemplate
from runs_app.models.runs import RunBranch, StepLog, StepRun, WorkflowRun
from runs_app.models.waits import EventWait, WorkflowEvent
from runs_app.models.workers import Worker

__all__ = [
    "Approval",
    "ApprovalStatus",
    "Artifact",
    "EmailTemplate",
    "EventWait",
    "OnTimeout",
    "RunBranch",
    "StepLog",
    "StepRun",
    "Worker",
    "WorkflowDefinition",
    "WorkflowEvent",
    "WorkflowName",
    "WorkflowRun",
]
