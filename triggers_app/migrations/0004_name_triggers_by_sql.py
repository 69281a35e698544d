"""On PostgreSQL a trigger inserted without a name is called `<event_type>-<n>`, as one that a verb makes."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAME = """
CREATE FUNCTION highway_trigger_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT NEW.event_type || '-' || n INTO NEW.name
    FROM generate_series(1, 1 + (SELECT count(*) FROM event_triggers WHERE tenant_id = NEW.tenant_id)) AS n
    WHERE NOT EXISTS (
        SELECT FROM event_triggers WHERE tenant_id = NEW.tenant_id AND name = NEW.event_type || '-' || n
    )
    ORDER BY n LIMIT 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER trigger_named BEFORE INSERT ON event_triggers
    FOR EACH ROW WHEN (NEW.name = '') EXECUTE FUNCTION highway_trigger_named();
ALTER TABLE event_triggers ALTER COLUMN name SET DEFAULT '';
"""

BACK = """
ALTER TABLE event_triggers ALTER COLUMN name SET DEFAULT 'trigger-' || gen_random_uuid();
DROP TRIGGER trigger_named ON event_triggers;
DROP FUNCTION highway_trigger_named();
"""


def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(NAME, params=None)


def backwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(BACK, params=None)


class Migration(migrations.Migration):
    dependencies = [("triggers_app", "0003_notify_of_events")]

    operations = [migrations.RunPython(forwards, backwards)]
