"""On PostgreSQL a committed event is told to every listening worker, however it was inserted; a trigger changed by SQL
counts at once, as one changed by a verb does; and an event's times are such that every program can read them.
"""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# One notification per transaction, whatever it inserted. Events that nobody listens to are stored as dispatched.
NOTIFY = """
CREATE FUNCTION highway_events_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted WHERE dispatched_at IS NULL) THEN
        NOTIFY highway_events;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_inserted AFTER INSERT ON events
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION highway_events_inserted();
"""

STAMP = """
CREATE FUNCTION highway_triggers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trigger_revisions (tenant_id, stamp)
    SELECT tenant_id, gen_random_uuid() FROM (SELECT DISTINCT tenant_id FROM changed ORDER BY 1) AS tenants
    ON CONFLICT (tenant_id) DO UPDATE SET stamp = excluded.stamp;
    RETURN NULL;
END
$$;
CREATE TRIGGER triggers_inserted AFTER INSERT ON event_triggers
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION highway_triggers_changed();
CREATE TRIGGER triggers_updated AFTER UPDATE ON event_triggers
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION highway_triggers_changed();
CREATE TRIGGER triggers_deleted AFTER DELETE ON event_triggers
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION highway_triggers_changed();
"""

# PostgreSQL knows 'infinity' and years that Python does not; reading one such row would fail whole batches.
TIMES = """
ALTER TABLE events ADD CONSTRAINT event_times_readable CHECK (
    occurred_at >= '0001-01-01Z' AND occurred_at < '10000-01-01Z'
    AND received_at >= '0001-01-01Z' AND received_at < '10000-01-01Z'
    AND dispatched_at >= '0001-01-01Z' AND dispatched_at < '10000-01-01Z'
) NOT VALID;
"""

BACK = """
ALTER TABLE events DROP CONSTRAINT event_times_readable;
DROP TRIGGER triggers_deleted ON event_triggers;
DROP TRIGGER triggers_updated ON event_triggers;
DROP TRIGGER triggers_inserted ON event_triggers;
DROP FUNCTION highway_triggers_changed();
DROP TRIGGER events_inserted ON events;
DROP FUNCTION highway_events_inserted();
"""


def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(NOTIFY + STAMP + TIMES, params=None)


def backwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(BACK, params=None)


class Migration(migrations.Migration):
    dependencies = [("triggers_app", "0002_defaults_for_sql")]

    operations = [migrations.RunPython(forwards, backwards)]
