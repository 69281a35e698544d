"""What a scheduler does when everything of a tenant was stopped and its runs are to be cancelled too."""

from __future__ import annotations

from highway_automation.base.errors import Conflict
from runs_app.actions.cancel import cancel_run
from runs_app.models import WorkflowRun
from runs_app.statuses import OPEN
from tenants_app.actions import all_cancelled
from tenants_app.models import Tenant

BATCH = 500


def cancel_stopped() -> int:
    """Cancel runs of the tenants whose stop wanted that, a batch at a time; how many."""
    tenants = Tenant.objects.filter(cancel_before__isnull=False).select_related("stopped_by")
    return sum(_cancel_some(tenant) for tenant in tenants)


def _cancel_some(tenant: Tenant) -> int:
    open_runs = WorkflowRun.objects.for_tenant(tenant).filter(status__in=OPEN, created_at__lte=tenant.cancel_before)
    runs = list(open_runs.order_by("created_at")[:BATCH])
    if not runs:
        all_cancelled(tenant)
    return sum(_cancelled(run, tenant) for run in runs)


def _cancelled(run: WorkflowRun, tenant: Tenant) -> bool:
    try:
        cancel_run(run, actor=tenant.stopped_by, reason=tenant.stop_reason or "everything was stopped.")
    except Conflict:
        return False
    return True
