"""Uploads that wait for somebody to apply the plan they were shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from highway_automation.base import clock
from highway_automation.base.db import atomic
from highway_automation.base.errors import NotFound
from tenants_app.models import ImportDraft, Tenant, User

KEPT = timedelta(days=1)


def keep_draft(tenant: Tenant, user: User, kind: str, files: Mapping[str, str], digest: str) -> ImportDraft:
    """Keep an upload with the plan that is shown for it. A person has one of each kind in a tenant."""
    forget_drafts()
    with atomic():
        drafts = ImportDraft.objects.for_tenant(tenant)
        drafts.filter(user=user, kind=kind).delete()
        return drafts.create(user=user, kind=kind, files=dict(files), plan_digest=digest)


def show_again(draft: ImportDraft, digest: str) -> None:
    """Another plan is shown for it now."""
    draft.plan_digest = digest
    draft.save(update_fields=["plan_digest"])


def find_draft(tenant: Tenant, user: User, kind: str, draft_id: UUID) -> ImportDraft:
    """The person's own draft. Raises NotFound."""
    draft = ImportDraft.objects.for_tenant(tenant).filter(pk=draft_id, user=user, kind=kind).first()
    if draft is None:
        raise NotFound("This plan was applied already, or is older than a day. Upload the files again.")
    return draft


def drop_draft(draft: ImportDraft) -> None:
    ImportDraft.objects.for_tenant(draft.tenant_id).filter(pk=draft.pk).delete()


def forget_drafts() -> None:
    ImportDraft.objects.all_tenants().filter(created_at__lt=clock.now() - KEPT).delete()
