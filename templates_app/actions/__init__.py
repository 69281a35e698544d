"""The verbs of this room: everything that writes a template, and running one."""

from __future__ import annotations

from templates_app.actions.edit import (
    check_template,
    clone_template,
    create_template,
    delete_template,
    rollback,
    set_enabled,
    update_template,
)
from templates_app.actions.importing import TemplateImporter
from templates_app.actions.run import find_template, run_template

__all__ = [
    "TemplateImporter",
    "check_template",
    "clone_template",
    "create_template",
    "delete_template",
    "find_template",
    "rollback",
    "run_template",
    "set_enabled",
    "update_template",
]
