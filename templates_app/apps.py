from __future__ import annotations

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    name = "templates_app"
    verbose_name = "Templates"

    def ready(self) -> None:
        from runs_app.actions.children import register_fit
        from templates_app import audit, called, origins

        audit.register()
        register_fit(called.fit_inputs)
        origins.register()
