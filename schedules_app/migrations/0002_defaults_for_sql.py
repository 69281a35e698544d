"""On PostgreSQL a row may be inserted by SQL with the columns of the request alone; the scheduler plans it."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

DEFAULTS = {
    "schedule_id": "gen_random_uuid()",
    "inputs": "'{}'",
    "timezone": "'UTC'",
    "dst_gap": "'cron'",
    "dst_overlap": "'cron'",
    "day_or": "true",
    "overlap": "'skip'",
    "catch_up": "'latest'",
    "spread": "0",
    "enabled": "true",
    "pause_note": "''",
    "pause_after_failures": "0",
    "last_error": "''",
    "execution_count": "0",
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
        editor.execute(f"ALTER TABLE scheduled_workflows {changes}")


class Migration(migrations.Migration):
    dependencies = [("schedules_app", "0001_initial")]

    operations = [migrations.RunPython(set_defaults, drop_defaults)]
