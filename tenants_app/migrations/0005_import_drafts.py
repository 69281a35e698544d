from __future__ import annotations

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

import highway_automation.base.clock
import highway_automation.base.db


class Migration(migrations.Migration):
    dependencies = [
        ("tenants_app", "0004_rate_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportDraft",
            fields=[
                ("draft_id", highway_automation.base.db.TimeOrderedUUIDField(serialize=False)),
                ("kind", models.CharField(max_length=32)),
                ("files", models.JSONField(help_text="Name → text.")),
                ("plan_digest", models.CharField(help_text="Of the plan that was shown.", max_length=64)),
                ("created_at", models.DateTimeField(default=highway_automation.base.clock.now, editable=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_column="tenant_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants_app.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "import_drafts",
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
    ]
