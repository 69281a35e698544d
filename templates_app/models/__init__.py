from __future__ import annotations

from templates_app.models.template import RESERVED_NAMES, TemplateVersion, WorkflowTemplate

__all__ = ["RESERVED_NAMES", "TemplateVersion", "WorkflowTemplate"]
