from __future__ import annotations

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants_app"
    verbose_name = "People and tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from highway_automation.base import retention
        from tenants_app import actions, audit, receivers

        audit.register()
        receivers.connect()
        retention.declare("api_keys", actions.purge_api_keys, retention.Keep.AUDIT)
        retention.declare("mails", actions.purge_mails, retention.Keep.HISTORY)
