from __future__ import annotations

from axes.handlers.proxy import AxesProxyHandler

from highway_automation.base.clock import lease_now
from tenants_app.models import RateCount

SIGN_INS_KEPT_DAYS = 90


def forget_counts() -> int:
    """Forget the counts of windows that are over, and the record of sign-ins of more than 90 days ago."""
    AxesProxyHandler.reset_logs(age_days=SIGN_INS_KEPT_DAYS)
    return RateCount.objects.filter(ends_at__lt=int(lease_now().timestamp())).delete()[0]
