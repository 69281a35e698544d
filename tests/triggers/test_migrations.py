from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def tables() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


@pytest.mark.django_db(transaction=True)
def test_migrations_go_back_and_forth() -> None:
    ours = {"events", "event_triggers", "trigger_deliveries", "trigger_revisions"}
    assert tables() >= ours
    try:
        call_command("migrate", "triggers_app", "0001", verbosity=0)
        call_command("migrate", "triggers_app", "zero", verbosity=0)
        assert not tables() & ours
    finally:
        call_command("migrate", "triggers_app", verbosity=0)
    assert tables() >= ours
    assert not MigrationExecutor(connection).migration_plan([("triggers_app", "0004_name_triggers_by_sql")])


def test_no_change_of_the_models_lacks_its_migration(db: None) -> None:
    call_command("makemigrations", "triggers_app", "--check", "--dry-run", verbosity=0)
