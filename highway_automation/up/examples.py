"""The use cases of `examples/`, imported into a new installation so that a first look shows work being done."""

from __future__ import annotations

import io
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from tenants_app.actions import set_variable
from tenants_app.models import Tenant

FOLDER = Path(settings.BASE_DIR) / "examples"
IMPORTS = {
    "import_templates": ("welcome_email.py", "templates"),
    "import_schedules": ("schedules.yaml",),
    "import_triggers": ("triggers.yaml",),
}


def import_examples(tenant: Tenant, alert_email: str = "") -> None:
    """Templates, schedules and triggers of the examples; alerts go to this address. Raises CommandError."""
    for command, names in IMPORTS.items():
        paths = [str(FOLDER / name) for name in names]
        call_command(command, *paths, tenant=tenant.pk, stdout=io.StringIO(), stderr=io.StringIO())
    if alert_email:
        set_variable(tenant, "ALERT_EMAIL", alert_email)
