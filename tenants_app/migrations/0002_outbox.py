from __future__ import annotations

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

import highway_automation.base.clock
import highway_automation.base.db


class Migration(migrations.Migration):
    dependencies = [
        ("tenants_app", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboxMail",
            fields=[
                ("outbox_mail_id", highway_automation.base.db.TimeOrderedUUIDField(serialize=False)),
                ("kind", models.CharField(default="notice", max_length=32)),
                ("to", models.TextField()),
                ("subject", models.TextField()),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("attachments", models.JSONField(default=list, help_text="Their names; what they hold is not kept.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sent", "Sent"),
                            ("filed", "Written to a file"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                ("message_id", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(default=highway_automation.base.clock.now)),
                ("due_at", models.DateTimeField(default=highway_automation.base.clock.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("claim_no", models.PositiveIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_column="tenant_id",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants_app.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "mail",
                "verbose_name_plural": "mails",
                "db_table": "outbox_mails",
                "ordering": ["-outbox_mail_id"],
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
                "indexes": [
                    models.Index(condition=models.Q(("status", "queued")), fields=["due_at"], name="mail_waiting"),
                    models.Index(fields=["tenant", "created_at"], name="mail_of_tenant"),
                    models.Index(fields=["message_id"], name="mail_by_message_id"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "sent", "filed", "failed"])),
                        name="mail_status_known",
                    )
                ],
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
    ]
