from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs_app"
    verbose_name = "Runs"

    def ready(self) -> None:
        from runs_app import receivers  # noqa: F401  (connects the one receiver of this room)
        from runs_app.engine import process
        from runs_app.queries import step_runs_now
        from tenants_app import tokens

        process.connect()
        tokens.register_validator(step_runs_now)
