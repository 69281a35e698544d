from __future__ import annotations

from django.db import migrations, models


def unlogged(apps, schema_editor):
    """Counts of a minute need not survive a crash, and so cost no wait for the disk."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE rate_counts SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [
        ("tenants_app", "0003_stopping"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateCount",
            fields=[
                ("key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("used", models.IntegerField()),
                ("ends_at", models.BigIntegerField(help_text="Unix time.")),
            ],
            options={"db_table": "rate_counts"},
        ),
        migrations.RunPython(unlogged, migrations.RunPython.noop),
    ]
