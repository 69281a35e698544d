from __future__ import annotations

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import highway_automation.base.db


def tenant() -> models.ForeignKey:
    return models.ForeignKey(
        db_column="tenant_id", on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants_app.tenant"
    )


def options(name: str, table: str) -> dict[str, object]:
    return {
        "verbose_name": name,
        "db_table": table,
        "abstract": False,
        "base_manager_name": "plain",
        "default_manager_name": "plain",
    }


class Migration(migrations.Migration):
    dependencies = [("runs_app", "0002_index_open_runs_by_cause"), ("tenants_app", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="EventWait",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("branch_id", models.UUIDField()),
                ("path", models.CharField(max_length=1024)),
                ("name", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField()),
                ("happened_at", models.DateTimeField(blank=True, null=True)),
                ("payload", models.JSONField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="waits", to="runs_app.workflowrun"
                    ),
                ),
                ("tenant", tenant()),
            ],
            options=options("wait", "event_waits"),
            managers=[("plain", django.db.models.manager.Manager())],
        ),
        migrations.CreateModel(
            name="WorkflowEvent",
            fields=[
                ("workflow_event_id", highway_automation.base.db.TimeOrderedUUIDField(serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("emitted_by", models.UUIDField(blank=True, help_text="The run that emitted it.", null=True)),
                ("payload", models.JSONField(blank=True, null=True)),
                ("error", models.TextField(blank=True, help_text="Says that what was waited for failed.")),
                ("created_at", models.DateTimeField()),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        help_text="The only run that hears it; empty means all of the tenant.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_events",
                        to="runs_app.workflowrun",
                    ),
                ),
                ("tenant", tenant()),
            ],
            options=options("workflow event", "workflow_events"),
            managers=[("plain", django.db.models.manager.Manager())],
        ),
        migrations.AddField(
            model_name="runbranch",
            name="parked",
            field=models.BooleanField(default=False, help_text="Asleep in a step that something else may wake."),
        ),
        migrations.AddField(
            model_name="runbranch",
            name="nudged",
            field=models.BooleanField(
                default=False, help_text="Woken while it was under way: it does not fall asleep."
            ),
        ),
        migrations.AddField(
            model_name="workflowrun",
            name="nesting",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How many runs started each other down to here."
            ),
        ),
        migrations.AddField(
            model_name="workflowrun",
            name="parent_path",
            field=models.CharField(blank=True, help_text="The step of the parent that waits for it.", max_length=1024),
        ),
        migrations.AddIndex(
            model_name="workflowrun",
            index=models.Index(
                condition=models.Q(
                    ("parent_run_id__isnull", False), ("status__in", ("pending", "running", "sleeping"))
                ),
                fields=["parent_run_id"],
                name="run_open_child",
            ),
        ),
        migrations.AddIndex(
            model_name="eventwait",
            index=models.Index(
                condition=models.Q(("happened_at__isnull", True)), fields=["tenant", "name"], name="wait_open_by_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="eventwait",
            constraint=models.UniqueConstraint(fields=("run", "path"), name="wait_once_per_step"),
        ),
        migrations.AddConstraint(
            model_name="workflowevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("run", None)), fields=("tenant", "name"), name="workflow_event_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("run__isnull", False)), fields=("run", "name"), name="workflow_event_once_per_run"
            ),
        ),
    ]
