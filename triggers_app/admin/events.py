from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tenants_app.admin.base import ReadOnlyTenantModelAdmin
from triggers_app.admin.deliveries import DeliveryInline
from triggers_app.admin.display import link, pretty, run_link
from triggers_app.models import Event


@admin.register(Event)
class EventAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["received_at", "type", "source", "subject", "delivered", "dispatched_at"]
    empty_hint = "Events come from POST /api/v1/events, from `manage.py emit_event` and from the product itself."
    list_display_links = ["received_at"]
    list_filter = ["type", "source"]
    search_fields = ["type", "source", "subject", "external_id"]
    ordering = ["-event_id"]
    fields = [
        "event_id",
        "type",
        "source",
        "subject",
        "external_id",
        "shown_payload",
        "occurred_at",
        "received_at",
        "dispatched_at",
        "depth",
        "caused_by_event",
        "caused_by_run",
    ]
    readonly_fields = fields
    inlines = [DeliveryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counted: QuerySet[Any] = super().get_queryset(request).annotate(delivery_count=Count("deliveries"))
        return counted

    @admin.display(description="deliveries")
    def delivered(self, event: Any) -> int:
        return int(event.delivery_count)

    @admin.display(description="payload")
    def shown_payload(self, event: Event) -> SafeString:
        return pretty(event.payload)

    @admin.display(description="caused by event")
    def caused_by_event(self, event: Event) -> SafeString | str:
        found = event.causation_event_id
        return "–" if found is None else link("admin:triggers_app_event_change", found, found)

    @admin.display(description="caused by run")
    def caused_by_run(self, event: Event) -> SafeString | str:
        return run_link(event.causation_run_id)
