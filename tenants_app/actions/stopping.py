"""Stopping everything, of one tenant or of all, and letting it go on.

`Tenant.enabled` is all that claims, schedules and triggers read: the switches of the tenant and of the installation are
folded into it here, so stopping costs the busy paths nothing.
"""

from __future__ import annotations

from highway_automation.base import queue
from highway_automation.base.clock import now
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, InvalidTransition
from tenants_app.models import Installation, Tenant, User
from tenants_app.models.installation import Stopped


def stop_tenant(tenant: Tenant, *, actor: User | None = None, reason: str = "", cancel: bool = False) -> Tenant:
    """Nothing new starts, runs pause at their next step; with `cancel` open runs are cancelled, by the scheduler.

    Raises InvalidTransition when it is stopped already, unless now its runs are to be cancelled too.
    """
    with atomic():
        row = lock_rows(Tenant.objects.filter(pk=tenant.pk)).get()
        if row.stopped_at is not None and not cancel:
            raise InvalidTransition(tenant, "stop")
        _mark(row, actor, reason)
        row.enabled = False
        row.cancel_before = now() if cancel else row.cancel_before
        row.save(update_fields=["enabled", "cancel_before", *STOP_COLUMNS])
    return _as_is(tenant, row)


def resume_tenant(tenant: Tenant) -> Tenant:
    """Raises Conflict when the tenant was not stopped itself, or the whole installation still is."""
    with atomic():
        whole = installation(lock=True)
        row = lock_rows(Tenant.objects.filter(pk=tenant.pk)).get()
        if whole.stopped_at is not None:
            raise Conflict("The whole installation is stopped; a superuser lets it go on.")
        if row.stopped_at is None:
            raise InvalidTransition(row, "resume")
        _clear(row)
        row.enabled, row.cancel_before = True, None
        row.save(update_fields=["enabled", "cancel_before", *STOP_COLUMNS])
        queue.ring(queue.WORK, queue.MOST[queue.WORK])
    return _as_is(tenant, row)


def stop_all(*, actor: User | None = None, reason: str = "", cancel: bool = False) -> Installation:
    """As `stop_tenant`, for every tenant there is and every one made meanwhile."""
    with atomic():
        whole = installation(lock=True)
        if whole.stopped_at is not None and not cancel:
            raise Conflict("The whole installation is stopped already.")
        _mark(whole, actor, reason)
        whole.save()
        Tenant.objects.update(enabled=False, **({"cancel_before": now()} if cancel else {}))
    return whole


def resume_all() -> Installation:
    """Tenants that were stopped themselves stay so. Raises Conflict when the installation is not stopped."""
    with atomic():
        whole = installation(lock=True)
        if whole.stopped_at is None:
            raise Conflict("The installation is not stopped.")
        _clear(whole)
        whole.save()
        Tenant.objects.filter(stopped_at=None).update(enabled=True, cancel_before=None)
        queue.ring(queue.WORK, queue.MOST[queue.WORK])
    return whole


def installation(*, lock: bool = False) -> Installation:
    """The one row; with `lock`, ours until the transaction ends."""
    rows = Installation.objects.filter(pk=Installation.ONLY)
    if not lock:
        return rows.select_related("stopped_by").first() or Installation(pk=Installation.ONLY)
    return lock_rows(rows).first() or Installation.objects.get_or_create(pk=Installation.ONLY)[0]


def all_cancelled(tenant: Tenant) -> None:
    """No run is left that the stop was to cancel; unless it was asked for once more meanwhile."""
    Tenant.objects.filter(pk=tenant.pk, cancel_before=tenant.cancel_before).update(cancel_before=None)


STOP_COLUMNS = ("stopped_at", "stopped_by", "stop_reason")


def _mark(row: Stopped, actor: User | None, reason: str) -> None:
    """Who stopped first stays named, until somebody gives another reason."""
    if row.stopped_at is None or reason:
        row.stopped_by, row.stop_reason = actor, reason.replace("\x00", "\ufffd")[:2000]
    row.stopped_at = row.stopped_at or now()


def _clear(row: Stopped) -> None:
    row.stopped_at = row.stopped_by = None
    row.stop_reason = ""


def _as_is(tenant: Tenant, row: Tenant) -> Tenant:
    for name in ("enabled", "cancel_before", "stopped_at", "stopped_by_id", "stop_reason"):
        setattr(tenant, name, getattr(row, name))
    return tenant
