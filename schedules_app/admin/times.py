"""The next ten times on a schedule's page: of the saved schedule when it opens, then of what the form says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime

from highway_automation.base import clock
from schedules_app.actions.checks import time_errors
from schedules_app.cron import CronError, duration
from schedules_app.models import ScheduledWorkflow
from schedules_app.preview import preview
from schedules_app.queries import skipped_after
from tenants_app.admin.base import TenantModelAdmin, rows_for

SHOWN = 10


class ShowsTimes(TenantModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", view, name="schedules_app_scheduledworkflow_preview"), *super().get_urls()]

    @admin.display(description="next ten times")
    def next_times(self, schedule: ScheduledWorkflow) -> str:
        saved = not schedule._state.adding
        url = self.url_of("preview") + (f"?schedule={schedule.pk}" if saved else "")
        found = times_of(schedule) if saved else {"hint": "They appear here while you type an expression."}
        return render_to_string("schedules_app/preview.html", {"preview_url": url, **found})

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """A fragment: the next times of the schedule that the form describes."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        return render(request, "schedules_app/times.html", times_of(self.described(request)))

    def described(self, request: HttpRequest) -> ScheduledWorkflow:
        """The schedule as the form describes it, unsaved; with the saved one's id, which decides its `H`."""
        sent = request.POST
        numbers = {name: whole(sent.get(name)) for name in ("spread", "remaining_runs")}
        texts = ("cron_expression", "timezone", "dst_gap", "dst_overlap")
        values: dict[str, Any] = {name: sent.get(name, "").strip() for name in texts}
        values |= {name: moment(sent.get(f"{name}_0"), sent.get(f"{name}_1")) for name in ("start_at", "end_at")}
        values |= {"spread": numbers["spread"] or 0, "remaining_runs": numbers["remaining_runs"]}
        return ScheduledWorkflow(**values, day_or="day_or" in sent, **self.identity(request))

    def identity(self, request: HttpRequest) -> dict[str, Any]:
        try:
            row = rows_for(ScheduledWorkflow, request).filter(pk=UUID(request.GET.get("schedule", ""))).first()
        except ValueError:
            row = None
        return {"schedule_id": row.pk, "tenant_id": row.tenant_id} if row else {}


def times_of(schedule: ScheduledWorkflow) -> dict[str, Any]:
    """What the fragment shows: the next times, or what is wrong."""
    try:
        if errors := list(time_errors(schedule)):
            return {"problem": errors[0].message}
        at = clock.now()
        skipped = skipped_after(schedule, at) if schedule.tenant_id else set()
        shown = preview(schedule, at, SHOWN, skipped)
    except CronError as error:
        return {"problem": str(error)}
    for tick in shown["ticks"]:
        tick["utc"] = f"{tick['at']:%Y-%m-%d %H:%M:%S}"
    return {
        "shown": shown,
        "late": duration(timedelta(seconds=shown["delay_seconds"])),
        "elsewhere": schedule.timezone != "UTC",
    }


def whole(text: str | None) -> int | None:
    """A number typed into the form; None while it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def moment(day: str | None, time: str | None) -> datetime | None:
    """The two halves of the admin's date field, in UTC; None when they are no time."""
    try:
        naive = parse_datetime(f"{day} {time or '00:00'}")
    except ValueError:
        return None
    return naive.replace(tzinfo=clock.now().tzinfo) if naive else None
