from __future__ import annotations

from datetime import timedelta
from typing import Any

from django_filters import NumberFilter, UUIDFilter

from highway_automation.base import clock
from highway_automation.base.api.filters import InstantFilter
from runs_app.models import WorkflowRun
from tenants_app.api.base import TenantFilterSet


class RunFilters(TenantFilterSet):
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lt")
    days = NumberFilter(
        method="of_the_last", min_value=0, max_value=36_500, label="Only those of the last so many days."
    )
    definition_id = UUIDFilter(field_name="definition_id")

    class Meta:
        model = WorkflowRun
        fields = ["status", "workflow_name", "cause_kind", "cause_id"]

    def of_the_last(self, runs: Any, name: str, days: Any) -> Any:
        return runs.filter(created_at__gte=clock.now() - timedelta(days=float(days)))
