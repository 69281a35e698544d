"""On PostgreSQL a row may be inserted by SQL with the columns of the request alone; its first run makes its version."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

DEFAULTS = {
    "template_id": "gen_random_uuid()",
    "description": "''",
    "category": "''",
    "tags": "'[]'",
    "enabled": "true",
    "version": "1",
    "created_at": "now()",
    "updated_at": "now()",
}


def set_defaults(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, lambda column: f"SET DEFAULT {DEFAULTS[column]}")


def drop_defaults(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, lambda column: "DROP DEFAULT")


def alter(editor, change) -> None:
    if editor.connection.vendor == "postgresql":
        changes = ", ".join(f'ALTER COLUMN "{column}" {change(column)}' for column in DEFAULTS)
        editor.execute(f"ALTER TABLE workflow_templates {changes}")


class Migration(migrations.Migration):
    dependencies = [("templates_app", "0001_initial")]

    operations = [migrations.RunPython(set_defaults, drop_defaults)]
