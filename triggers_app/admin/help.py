"""What the trigger's form tells beside its fields."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from triggers_app.catalogue import PAYLOADS


def code(text: str) -> SafeString:
    return format_html("<code>{}</code>", text)


def own_events() -> SafeString:
    """The product's own events with the names in their payloads, folded away."""
    rows = ((name, ", ".join(sorted(names))) for name, names in PAYLOADS.items())
    listed = format_html_join("", "<li class='mb-1'><code>{}</code>: {}</li>", rows)
    return format_html(
        "<details class='relative mt-2'><summary class='cursor-pointer'>The product's own events and what their "
        "payloads hold</summary><ul class='pl-4 pt-2'>{}</ul></details>",
        listed,
    )


WHICH_EVENTS = format_html(
    "Every key of the filter must hold: {} fits runs of workflows whose name begins so. A key is a path in the payload "
    "({}); a value is a text (* and ? stand for anything), a number, true, false, null, or a list of which any may "
    "fit. {} and {} look at the event itself. Operators: {}, also suffix, wildcard, equals-ignore-case, anything-but, "
    "exists and cidr; {} holds when one of its patterns does. Left empty, every event of the type fits.{}",
    code('{"workflow_name": "critical_*"}'),
    code('{"order.total": [10, 20]}'),
    code("$event.source"),
    code("$event.subject"),
    code('{"total": {"numeric": [">", 100]}, "shop": {"prefix": "eu-"}}'),
    code('{"$or": [{"vip": true}, {"total": 0}]}'),
    own_events(),
)
START_WHAT = format_html(
    "The mapping gives the template its inputs: {}. A text that is one reference keeps its value's type, {} stands in "
    "where something is missing, and other values are constants. It is checked against the template's input schema. "
    "Left empty, the event's payload is the inputs.",
    code('{"to": "${event.payload.email}", "tone": "kind"}'),
    code("${event.payload.name | default('you')}"),
)
