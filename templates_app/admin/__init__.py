from __future__ import annotations

from templates_app.admin.templates import TemplateAdmin
from templates_app.admin.versions import VersionAdmin

__all__ = ["TemplateAdmin", "VersionAdmin"]
