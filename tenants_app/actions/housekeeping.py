"""Clearing away what nobody needs any more: keys that open nothing, counts of limits, sign-ins, audit entries."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from auditlog.models import LogEntry
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.db.models import Q

from highway_automation.base.clock import lease_now, now
from highway_automation.base.retention import purge_rows
from tenants_app.actions.drafts import forget_drafts
from tenants_app.models import APIKey, RateCount

SIGN_INS_KEPT_DAYS = 90


def purge_api_keys(tenant_id: str, before: datetime, *, dry_run: bool) -> int:
    """Keys that expired or were revoked before a time."""
    dead = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    return purge_rows(APIKey.objects.for_tenant(tenant_id).filter(dead), dry_run=dry_run)


def forget_counts() -> int:
    """Forget the counts of windows that are over, and the record of sign-ins of more than 90 days ago."""
    AxesProxyHandler.reset_logs(age_days=SIGN_INS_KEPT_DAYS)
    return RateCount.objects.filter(ends_at__lt=int(lease_now().timestamp())).delete()[0]


def forget_traces() -> int:
    """Housekeeping: audit entries past their retention, sessions and uploads that are over; how many entries."""
    forget_drafts()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    days = settings.HIGHWAY_RETENTION_AUDIT_DAYS
    if days <= 0:
        return 0
    return purge_rows(LogEntry.objects.filter(timestamp__lt=now() - timedelta(days=days)), dry_run=False)
