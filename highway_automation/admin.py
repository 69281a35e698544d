"""Pages of the packages we build on, in our admin's looks, for superusers: the audit log and Celery beat's tables."""

from __future__ import annotations

from typing import Any

from auditlog.mixins import LogEntryAdminMixin
from auditlog.models import LogEntry
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.admin import ClockedScheduleAdmin, CrontabScheduleAdmin, PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.admin import PeriodicTaskAdmin as StockPeriodicTaskAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from highway_automation.base.admin import PlainModelAdmin

for model in (LogEntry, PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule):
    admin.site.unregister(model)
for model in (AccessAttempt, AccessFailureLog, AccessLog):  # what they know is in the audit log and the limits
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ForSuperusers:
    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(LogEntry)
class AuditLogAdmin(ForSuperusers, PlainModelAdmin, LogEntryAdminMixin):
    """Who changed what. People and objects are shown as text: they may be gone, or another tenant's by now."""

    date_hierarchy = "timestamp"
    list_select_related = ["content_type", "actor"]
    list_display = ["timestamp", "who", "action", "what", "msg_short"]
    list_filter = ["action", "content_type"]
    search_fields = ["object_repr", "object_pk", "actor__email", "actor__username"]
    fields = ["timestamp", "who", "remote_addr", "action", "what", "object_pk", "msg", "cid"]
    readonly_fields = ["who", "what", "msg"]
    ordering = ["-timestamp"]

    @admin.display(description="by", ordering="actor__email")
    def who(self, entry: Any) -> str:
        return str(entry.actor.email) if entry.actor else entry.actor_email or "the product"

    @admin.display(description="what", ordering="object_repr")
    def what(self, entry: Any) -> str:
        return f"{entry.content_type.name}: {entry.object_repr}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The registered tasks, looked up when the form is shown."""


class BeatForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class BeatTaskAdmin(PlainModelAdmin, StockPeriodicTaskAdmin):
    """Housekeeping, and what a project adds; workflows have schedules of their own."""

    form = BeatForm
    list_display = ["name", "enabled", "scheduler", "last_run_at", "one_off"]
    list_filter = ["enabled", "one_off"]


class BeatScheduleAdmin(PlainModelAdmin):
    pass


@admin.register(ClockedSchedule)
class BeatClockedAdmin(PlainModelAdmin, ClockedScheduleAdmin):
    inlines: list[Any] = []


@admin.register(CrontabSchedule)
class BeatCrontabAdmin(PlainModelAdmin, CrontabScheduleAdmin):
    inlines: list[Any] = []


admin.site.register([IntervalSchedule, SolarSchedule], BeatScheduleAdmin)
