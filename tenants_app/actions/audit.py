"""Entries of the audit log for rows that are written together, which send no signals."""

from __future__ import annotations

from collections.abc import Sequence

from auditlog.cid import get_cid
from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import pre_save

from highway_automation.base.bulk.batches import BATCH


def log_rows(rows: Sequence[tuple[Model | None, Model]]) -> None:
    """`rows`: each before, or None for a new one, and after."""
    entries = []
    for before, after in rows:
        columns = [column.name for column in after._meta.concrete_fields]
        changes = model_instance_diff(before, after, fields_to_check=columns)
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
