"""The ledger of a schedule, and the runs in it, in Highway's words."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from schedules_app.models import ScheduleTick


class TickSerializer(serializers.ModelSerializer[ScheduleTick]):
    """A row of the ledger, with what became of its run in Highway's words."""

    run_id = serializers.UUIDField(source="workflow_run_id", read_only=True, allow_null=True)
    status = serializers.SerializerMethodField(help_text="The run's; where none started, the outcome.")
    started_at = serializers.SerializerMethodField()
    completed_at = serializers.SerializerMethodField()
    duration_seconds = serializers.SerializerMethodField()

    class Meta:
        model = ScheduleTick
        fields = (
            *("tick_id", "scheduled_for", "outcome", "reason", "lateness", "times", "workflow_run_id", "run_id"),
            *("status", "started_at", "completed_at", "duration_seconds", "created_at"),
        )

    def _run(self, tick: ScheduleTick) -> Any:
        return self.context["runs"].get(tick.workflow_run_id)

    def get_status(self, tick: ScheduleTick) -> str:
        run = self._run(tick)
        return str(run.status if run else tick.outcome)

    def get_started_at(self, tick: ScheduleTick) -> str | None:
        run = self._run(tick)
        return run.started_at.isoformat() if run and run.started_at else None

    def get_completed_at(self, tick: ScheduleTick) -> str | None:
        run = self._run(tick)
        return run.finished_at.isoformat() if run and run.finished_at else None

    def get_duration_seconds(self, tick: ScheduleTick) -> float | None:
        run = self._run(tick)
        ended = run is not None and run.started_at and run.finished_at
        return (run.finished_at - run.started_at).total_seconds() if ended else None


class HistorySerializer(serializers.Serializer[Any]):
    """A part of the ledger, newest first."""

    executions = TickSerializer(many=True)
    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
