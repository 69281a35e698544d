"""Storing and deleting uploaded code."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.conf import settings
from django.db.models import Sum

from highway_automation.base import clock, db, safe_json
from highway_automation.base.errors import Conflict
from highway_automation.base.retention import purge_rows
from runs_app.artifacts import check_zip
from runs_app.models import Artifact
from tenants_app.models import Tenant


def store_artifact(tenant: Tenant, data: bytes, name: str = "") -> tuple[Artifact, bool]:
    """The tenant's row for this zip, and whether it is new: equal content is stored once.

    Raises:
        Invalid, TooLarge: it is no zip that can be unpacked without harm.
        Conflict: the tenant has no room for it.
    """
    check_zip(data)
    digest, moment = hashlib.sha256(data).hexdigest(), clock.now()
    rows = Artifact.objects.for_tenant(tenant)
    with db.atomic():
        if rows.filter(sha256=digest).update(used_at=moment):
            return rows.defer("content").get(sha256=digest), False
        _refuse_overflow(tenant, len(data))
        values = {"name": safe_json.clean(name)[:255], "size": len(data), "content": data}
        return rows.get_or_create(sha256=digest, defaults={**values, "created_at": moment, "used_at": moment})


def delete_artifact(artifact: Artifact) -> None:
    """Runs that still need it fail at that step, naming it."""
    artifact.delete()


def purge_artifacts(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Those that were neither uploaded nor run since."""
    rows = Artifact.objects.for_tenant(tenant_id).filter(used_at__lt=before)
    return purge_rows(rows, dry_run=dry_run)


def _refuse_overflow(tenant: Tenant, size: int) -> None:
    most = settings.HIGHWAY_ARTIFACTS_BYTES
    stored = Artifact.objects.for_tenant(tenant).aggregate(total=Sum("size"))["total"] or 0
    if stored + size > most:
        told = f"The tenant's artifacts would be larger than {most} bytes together: delete some, or clean up."
        raise Conflict(told)
