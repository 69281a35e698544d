from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from highway_automation.base import clock
from runs_app.models import Worker


@admin.register(Worker)
class WorkerAdmin(ModelAdmin):
    """Who is alive: workers and schedulers serve all tenants, so everyone who is signed in may look."""

    list_display = ["worker_id", "kind", "alive", "heartbeat_at", "busy", "capacity", "started_at"]
    list_filter = ["kind"]
    ordering = ["-heartbeat_at"]

    @display(description="State", label={"alive": "success", "silent": "danger"})
    def alive(self, worker: Worker) -> str:
        silent = (clock.lease_now() - worker.heartbeat_at).total_seconds()
        return "alive" if silent < settings.HIGHWAY_LEASE_SECONDS else "silent"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
