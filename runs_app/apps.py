from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs_app"
    verbose_name = "Runs"

    def ready(self) -> None:
        from highway_automation.base import retention
        from runs_app import receivers  # noqa: F401  (connects the one receiver of this room)
        from runs_app.actions import purge_artifacts
        from runs_app.actions.approvals import purge_approvals
        from runs_app.actions.retention import purge_runs
        from runs_app.actions.signals import purge_workflow_events
        from runs_app.causes import names_of_runs, register_origin
        from runs_app.engine import process
        from runs_app.queries import step_runs_now
        from tenants_app import tokens

        retention.declare("artifacts", purge_artifacts)
        retention.declare("runs", purge_runs, retention.Keep.RUNS)
        retention.declare("approvals", purge_approvals, retention.Keep.RUNS)
        retention.declare("workflow_events", purge_workflow_events)
        for kind in ("parent", "api", "admin"):  # the latter two: a run that was started again
            register_origin(kind, "runs_app_workflowrun_change", names_of_runs)
        process.connect()
        tokens.register_validator(step_runs_now)
