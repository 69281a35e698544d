"""`/api/v1/schedules`."""

from __future__ import annotations

from highway_automation.base.api.routing import Router
from schedules_app.api.views import ScheduleViewSet


def register(router: Router) -> None:
    router.register("schedules", ScheduleViewSet, basename="schedule")
