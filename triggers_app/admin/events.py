from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from runs_app.models import WorkflowRun
from tenants_app.admin.base import ReadOnlyTenantModelAdmin, object_action, rows_for
from triggers_app import actions
from triggers_app.admin.deliveries import OfEvent
from triggers_app.admin.display import link, pretty, run_link
from triggers_app.explanation import explain_event
from triggers_app.models import Event, EventTrigger, Outcome, TriggerDelivery

EXPLAINED = 50
"""Triggers of one event's page; the API goes through all of them."""


def has_failed(event: Event) -> bool:
    rows = TriggerDelivery.objects.for_tenant(event.tenant_id).filter(event=event, outcome=Outcome.FAILED)
    return rows.exclude(trigger=None).exists()


class Fate(admin.SimpleListFilter):
    """What became of the events."""

    title = "what became of it"
    parameter_name = "fate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "not dispatched yet"),
            ("failed", "a delivery failed"),
            ("delivered", "reached a trigger"),
            ("unheard", "reached no trigger"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = TriggerDelivery.objects.all_tenants().filter(event=OuterRef("pk"), tenant=OuterRef("tenant"))
        chosen = {
            "waiting": Q(dispatched_at=None),
            "failed": Q(Exists(known.filter(outcome=Outcome.FAILED))),
            "delivered": Q(Exists(known)),
            "unheard": Q(~Exists(known), dispatched_at__isnull=False),
        }
        wanted = chosen.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


@admin.register(Event)
class EventAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["received_at", "type", "source", "subject", "delivered", "dispatched_at"]
    empty_hint = "Events come from POST /api/v1/events, from `manage.py emit_event` and from the product itself."
    list_display_links = ["received_at"]
    list_filter = [Fate, "type", "source", "received_at"]
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
    inlines = [OfEvent]
    actions = ["retry_selected"]
    object_actions = ["retry_failed"]
    change_form_after_template = "triggers_app/answers.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Payloads may be large, and lists do not show them."""
        rows: QuerySet[Any] = super().get_queryset(request)
        runs = WorkflowRun.objects.all_tenants().filter(pk=OuterRef("causation_run_id"))
        rows = rows.annotate(run_status=Subquery(runs.values("status")[:1]))
        return rows.defer("payload")

    def look_up(self, rows: Iterable[Any]) -> None:
        """What became of the page's events, in one query."""
        events = {row.pk: row for row in rows}
        known = TriggerDelivery.objects.all_tenants().filter(event__in=events)
        counted: dict[UUID | None, Counter[str]] = defaultdict(Counter)
        for event_id, outcome in known.values_list("event_id", "outcome"):
            counted[event_id][outcome] += 1
        for key, event in events.items():
            event.outcomes = counted[key]

    @admin.display(description="deliveries")
    def delivered(self, event: Any) -> str:
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(event.outcomes.items())) or "–"

    @admin.display(description="payload")
    def shown_payload(self, event: Event) -> SafeString:
        return pretty(event.payload)

    @admin.display(description="caused by event")
    def caused_by_event(self, event: Event) -> SafeString | str:
        found = event.causation_event_id
        return "–" if found is None else link("admin:triggers_app_event_change", found, found)

    @admin.display(description="caused by run")
    def caused_by_run(self, event: Any) -> SafeString | str:
        return run_link(event.causation_run_id, event.run_status)

    # Deliveries that failed -----------------------------------------------------------------------------------------

    @object_action("Retry failed deliveries", "operate", when=has_failed)
    def retry_failed(self, request: HttpRequest, obj: Event) -> None:
        self.verb(request, lambda: actions.retry_failed(obj), told)

    @admin.action(description="Retry failed deliveries", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.verb_each(request, queryset, actions.retry_failed, "retried")

    # Why, and why not -----------------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            context["answers"] = self.answers(request, obj)
            context["most_answers"] = EXPLAINED
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def answers(self, request: HttpRequest, event: Event) -> list[dict[str, Any]]:
        """Triggers whose type might be the event's: every other one differs in the type, and that is all to be said."""
        alike = Q(event_type=event.type) | Q(event_type__contains="*") | Q(event_type__contains="?")
        triggers = rows_for(EventTrigger, request).filter(alike, tenant=event.tenant_id)
        answers = explain_event(event, triggers.select_related("tenant", "template").order_by("name")[:EXPLAINED])
        answers.sort(key=lambda answer: not answer.explanation.matched)
        return [
            {
                "trigger": answer.trigger,
                "explanation": answer.explanation,
                "inputs": None if answer.explanation.inputs is None else shown(answer.explanation.inputs),
            }
            for answer in answers
        ]


def shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def told(deliveries: list[TriggerDelivery]) -> str:
    counted = Counter(str(delivery.outcome) for delivery in deliveries)
    return f"Retried: {', '.join(f'{count} {outcome}' for outcome, count in sorted(counted.items()))}."
