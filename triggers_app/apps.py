from __future__ import annotations

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    name = "triggers_app"
    verbose_name = "Events and triggers"

    def ready(self) -> None:
        from triggers_app import notified, receivers, registrations

        notified.connect()
        receivers.connect()
        registrations.register()
