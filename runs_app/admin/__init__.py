from __future__ import annotations

from runs_app.admin.approvals import ApprovalAdmin
from runs_app.admin.artifacts import ArtifactAdmin
from runs_app.admin.definitions import DefinitionAdmin
from runs_app.admin.mail import EmailTemplateAdmin
from runs_app.admin.runs import RunAdmin
from runs_app.admin.workers import WorkerAdmin

__all__ = ["ApprovalAdmin", "ArtifactAdmin", "DefinitionAdmin", "EmailTemplateAdmin", "RunAdmin", "WorkerAdmin"]
