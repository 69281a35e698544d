from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from runs_app.models import WorkflowRun
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, TenantTabularInline, object_action
from triggers_app import actions
from triggers_app.admin.display import link_to, run_link
from triggers_app.models import Outcome, TriggerDelivery

COLOURS = {"submitted": "success", "shadow": "info", "looped": "warning", "throttled": "warning", "failed": "danger"}


def failed(delivery: TriggerDelivery) -> bool:
    return delivery.outcome == Outcome.FAILED


def slim(deliveries: QuerySet[Any]) -> QuerySet[Any]:
    """With the names of their events and triggers and what became of their runs, without what may be large in those."""
    runs = WorkflowRun.objects.all_tenants().filter(pk=OuterRef("workflow_run_id"))
    large = ("event__payload", "trigger__workflow_definition", "trigger__filter_expression", "trigger__input_mapping")
    told: QuerySet[Any] = deliveries.annotate(run_status=Subquery(runs.values("status")[:1]))
    return told.select_related("event", "trigger").defer(*large)


class Shown:
    """How a delivery reads, in its list, on its page and below its event."""

    @display(description="outcome", ordering="outcome", label=COLOURS)
    def shown_outcome(self, delivery: TriggerDelivery) -> str:
        return delivery.outcome

    @admin.display(description="run")
    def run(self, delivery: Any) -> SafeString | str:
        return run_link(delivery.workflow_run_id, delivery.run_status)

    @admin.display(description="event", ordering="event_type")
    def of_event(self, delivery: TriggerDelivery) -> SafeString | str:
        return link_to(delivery.event, delivery.event_type)

    @admin.display(description="trigger", ordering="trigger_name")
    def at_trigger(self, delivery: TriggerDelivery) -> SafeString | str:
        return link_to(delivery.trigger, delivery.trigger_name)


class DeliveryInline(Shown, TenantTabularInline):
    """The deliveries of an event, or of a trigger: newest first, in pages."""

    model = TriggerDelivery
    show_change_link = True
    per_page = 10
    ordering = ["-delivery_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return slim(super().get_queryset(request))


class OfEvent(DeliveryInline):
    fk_name = "event"
    fields = ["at_trigger", "shown_outcome", "run", "error", "attempts", "updated_at"]
    readonly_fields = fields


class OfTrigger(DeliveryInline):
    fk_name = "trigger"
    fields = ["created_at", "of_event", "shown_outcome", "run", "error", "attempts"]
    readonly_fields = fields


@admin.register(TriggerDelivery)
class DeliveryAdmin(Shown, ReadOnlyTenantModelAdmin):
    list_display = ["created_at", "of_event", "at_trigger", "shown_outcome", "run", "error", "attempts"]
    empty_hint = "Each event that fits a trigger leaves a row here, whether it started a run or not."
    list_filter = ["outcome", "trigger", "event_type", "created_at"]
    list_display_links = ["created_at"]
    search_fields = ["trigger_name", "event_type", "error"]
    ordering = ["-delivery_id"]
    fields = [
        "of_event",
        "at_trigger",
        "shown_outcome",
        "run",
        "error",
        "attempts",
        "replay_id",
        "created_at",
        "updated_at",
    ]
    readonly_fields = fields
    actions = ["retry_selected"]
    object_actions = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return slim(super().get_queryset(request))

    @object_action("Retry", "operate", when=failed)
    def retry(self, request: HttpRequest, obj: TriggerDelivery) -> None:
        self.verb(request, lambda: actions.retry_delivery(obj), lambda delivery: f"It {delivery.outcome} now.")

    @admin.action(description="Retry", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.retry_delivery, "retried")
