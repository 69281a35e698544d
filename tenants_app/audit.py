"""Which rows of this room leave a trace of who changed them, and which columns never appear in it."""

from __future__ import annotations

from collections.abc import Sequence

from auditlog.registry import auditlog
from django.db.models import Model
from django.db.models.signals import pre_save

from highway_automation.base.bulk.batches import BATCH
from tenants_app.models import APIKey, Membership, Tenant, User, Variable


def register() -> None:
    auditlog.register(User, exclude_fields=["password", "last_login"])
    auditlog.register(Tenant)
    auditlog.register(Membership)
    auditlog.register(APIKey, exclude_fields=["key_hash", "last_used_at"])
    auditlog.register(Variable, exclude_fields=["value", "encrypted", "updated_at"])


def log_rows(rows: Sequence[tuple[Model | None, Model]]) -> None:
    """The trace of rows written together, which send no signals: (before, or None for a new one; after)."""
    from auditlog.cid import get_cid
    from auditlog.diff import model_instance_diff
    from auditlog.models import LogEntry
    from django.contrib.contenttypes.models import ContentType

    entries = []
    for before, after in rows:
        changes = model_instance_diff(before, after)
        if changes:
            entry = LogEntry(
                content_type=ContentType.objects.get_for_model(after),
                object_pk=str(after.pk),
                object_repr=str(after),
                action=LogEntry.Action.CREATE if before is None else LogEntry.Action.UPDATE,
                changes=changes,
                cid=get_cid(),
            )
            pre_save.send(LogEntry, instance=entry)  # puts in who acts, as it does for a single entry
            entries.append(entry)
    LogEntry.objects.bulk_create(entries, batch_size=BATCH)
