"""`/api/v1/workers`: who does the work. Workers and schedulers serve all tenants, so every member may look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Value, When
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base import clock
from runs_app.models import Worker
from tenants_app.api.base import ListAndGet

STATES = [("online", "online"), ("offline", "offline")]


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    status = serializers.ChoiceField(STATES, help_text="offline: silent for longer than a lease.")
    silent_seconds = serializers.SerializerMethodField(help_text="Since its last heartbeat.")

    class Meta:
        model = Worker
        fields = ["worker_id", "kind", "host", "status", "busy", "capacity", "lag"]
        fields += ["started_at", "heartbeat_at", "silent_seconds"]
        read_only_fields = fields

    def get_silent_seconds(self, worker: Worker) -> float:
        return round((clock.lease_now() - worker.heartbeat_at).total_seconds(), 3)


class WorkerFilters(FilterSet):  # type: ignore[misc]
    status = ChoiceFilter(choices=STATES, error_messages={"invalid_choice": "Give one of online, offline."})

    class Meta:
        model = Worker
        fields = ["kind"]


class WorkerViewSet(ListAndGet):
    """Processes that execute (worker) and that look at the clock (scheduler), as their heartbeats tell."""

    model = Worker  # type: ignore[assignment]
    queryset = Worker.objects.none()
    plural = "workers"
    serializer_class = WorkerSerializer
    filterset_class = WorkerFilters
    lookup_field = "worker_id"
    search_fields = ["worker_id", "host"]
    ordering_fields = ["worker_id", "kind", "host", "started_at", "heartbeat_at", "busy", "lag"]
    ordering = ["kind", "worker_id"]

    def get_queryset(self) -> Any:
        alive = When(
            heartbeat_at__gte=clock.lease_now() - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS),
            then=Value("online"),
        )
        status = Case(alive, default=Value("offline"), output_field=CharField())
        return Worker.objects.annotate(status=status)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those heard of within the last hour. A list of `?status=offline` that is not empty is worth an alert."""
        return super().list(request, *args, **kwargs)
