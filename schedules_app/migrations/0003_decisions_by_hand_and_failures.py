"""Runs and skips by hand, times that wait for an open run, and how a schedule has been failing."""

from __future__ import annotations

import uuid

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

BEFORE = {"run_by_hand": "submitted", "buffered": "missed", "skipped_by_hand": "missed"}


def forget_new_outcomes(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Going back: what the earlier ledger had no word for gets the nearest one it had."""
    for now, before in BEFORE.items():
        editor.execute("UPDATE schedule_ticks SET outcome = %s WHERE outcome = %s", [before, now])


class Migration(migrations.Migration):
    dependencies = [
        ("schedules_app", "0002_defaults_for_sql"),
        ("tenants_app", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FailureStreak",
            fields=[
                (
                    "schedule",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="failures",
                        serialize=False,
                        to="schedules_app.scheduledworkflow",
                    ),
                ),
                ("in_a_row", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("since_mail", models.PositiveIntegerField(default=0, help_text="Failures that no mail has told of.")),
            ],
            options={
                "verbose_name": "failures of a schedule",
                "db_table": "schedule_failures",
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="scheduletick",
            name="tick_outcome_known",
        ),
        migrations.AlterField(
            model_name="scheduledworkflow",
            name="cron_expression",
            field=models.CharField(
                help_text="Five fields, or six with seconds last; @daily and its like; @every 5m; @at 2026-12-01 09:00.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="scheduletick",
            name="backfill_id",
            field=models.UUIDField(
                default=uuid.UUID("00000000-0000-0000-0000-000000000000"),
                help_text="All zeros for the time itself; the run's id for a run by hand.",
            ),
        ),
        migrations.AlterField(
            model_name="scheduletick",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("submitted", "Submitted"),
                    ("run_by_hand", "Run by hand"),
                    ("buffered", "Waiting: a run is open"),
                    ("skipped_overlap", "Skipped: a run was open"),
                    ("skipped_by_hand", "Skipped by hand"),
                    ("missed", "Missed"),
                    ("failed_to_submit", "Failed to submit"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="scheduletick",
            index=models.Index(
                condition=models.Q(("outcome", "buffered")), fields=["schedule", "scheduled_for"], name="tick_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="scheduletick",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "outcome__in",
                        [
                            "submitted",
                            "run_by_hand",
                            "buffered",
                            "skipped_overlap",
                            "skipped_by_hand",
                            "missed",
                            "failed_to_submit",
                        ],
                    )
                ),
                name="tick_outcome_known",
            ),
        ),
        migrations.AddField(
            model_name="failurestreak",
            name="tenant",
            field=models.ForeignKey(
                db_column="tenant_id",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenants_app.tenant",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_new_outcomes),
    ]
