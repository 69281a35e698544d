from __future__ import annotations

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "schedules_app"
    verbose_name = "Schedules"

    def ready(self) -> None:
        from highway_automation.base import retention
        from schedules_app import actions, audit, receivers, usage

        audit.register()
        usage.register()
        receivers.connect()
        retention.declare("schedule_ticks", actions.purge_ticks, retention.Keep.HISTORY)
