"""On PostgreSQL events and triggers may be inserted by SQL that names only what they are about. The scheduler's sweep
finds such events.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Version 7: 48 bits of milliseconds before random ones, so that new rows land at the end of the index.
UUID7 = """encode(
    set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid"""

DEFAULTS = {
    "events": {
        "event_id": UUID7,
        "source": "'sql'",
        "subject": "''",
        "payload": "'{}'",
        "occurred_at": "now()",
        "received_at": "now()",
        "depth": "0",
    },
    "event_triggers": {
        "trigger_id": UUID7,
        "name": "'trigger-' || gen_random_uuid()",
        "source_match": "''",
        "subject_match": "''",
        "mode": "'live'",
        "max_depth": "5",
        "enabled": "true",
        "created_at": "now()",
        "updated_at": "now()",
    },
}


def set_defaults(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, lambda expression: f"SET DEFAULT {expression}")


def drop_defaults(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    alter(editor, lambda expression: "DROP DEFAULT")


def alter(editor: BaseDatabaseSchemaEditor, change: Callable[[str], str]) -> None:
    if editor.connection.vendor != "postgresql":
        return
    for table, columns in DEFAULTS.items():
        changes = ", ".join(f'ALTER COLUMN "{name}" {change(expression)}' for name, expression in columns.items())
        editor.execute(f"ALTER TABLE {table} {changes}", params=None)


class Migration(migrations.Migration):
    dependencies = [("triggers_app", "0001_initial")]

    operations = [migrations.RunPython(set_defaults, drop_defaults)]
