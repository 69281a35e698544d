"""What can be kept in files, in the order in which it is imported: what comes later names what came before."""

from __future__ import annotations

from schedules_app import columns as schedules
from templates_app import columns as templates
from triggers_app import columns as triggers

KINDS = {"templates": templates, "schedules": schedules, "triggers": triggers}
