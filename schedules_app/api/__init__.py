"""`/api/v1/schedules`, and Highway's `/api/v1/workflows/schedules`."""

from __future__ import annotations

from highway_automation.base.api.routing import Router
from schedules_app.api.views import HighwayScheduleViewSet, ScheduleViewSet


def register(router: Router) -> None:
    router.register("schedules", ScheduleViewSet, basename="schedule")
    # ahead of `workflows/{id}`, which would take the word for a run's id
    router.registry.insert(0, ("workflows/schedules", HighwayScheduleViewSet, "workflow-schedule"))
