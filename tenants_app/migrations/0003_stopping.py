from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from highway_automation.base.clock import now


def mark_stopped(apps, schema_editor):
    """Tenants that were switched off before there was more to say about it."""
    apps.get_model("tenants_app", "Tenant").objects.filter(enabled=False).update(stopped_at=now())


class Migration(migrations.Migration):
    dependencies = [
        ("tenants_app", "0002_outbox"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stopped_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("stop_reason", models.TextField(blank=True, editable=False)),
            ],
            options={
                "db_table": "installation",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_installation")],
            },
        ),
        migrations.AddField(
            model_name="tenant",
            name="stopped_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="stopped_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="stop_reason",
            field=models.TextField(blank=True, default="", editable=False),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="tenant",
            name="cancel_before",
            field=models.DateTimeField(
                editable=False,
                help_text="Runs submitted until then are cancelled; empty when that is done.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="enabled",
            field=models.BooleanField(
                default=True,
                editable=False,
                help_text="Off while it, or the whole installation, is stopped: nothing new starts, runs pause.",
            ),
        ),
        migrations.RunPython(mark_stopped, migrations.RunPython.noop),
    ]
