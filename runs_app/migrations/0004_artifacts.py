from __future__ import annotations

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import highway_automation.base.db


class Migration(migrations.Migration):
    dependencies = [("runs_app", "0003_waits")]

    operations = [
        migrations.CreateModel(
            name="Artifact",
            fields=[
                ("id", highway_automation.base.db.TimeOrderedUUIDField(serialize=False)),
                ("sha256", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, help_text="The name of the file it came as.", max_length=255)),
                ("size", models.PositiveIntegerField(help_text="Bytes.")),
                ("content", models.BinaryField()),
                ("created_at", models.DateTimeField()),
                (
                    "used_at",
                    models.DateTimeField(help_text="When it was last uploaded or run; clean-up goes by this."),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_column="tenant_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants_app.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "artifacts",
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
                "constraints": [models.UniqueConstraint(fields=("tenant", "sha256"), name="artifact_stored_once")],
            },
            managers=[("plain", django.db.models.manager.Manager())],
        ),
    ]
