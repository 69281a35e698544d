from __future__ import annotations

import json
from uuid import UUID

from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from highway_automation.base.safe_json import JSON


def pretty(value: JSON) -> SafeString:
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="overflow-x-auto text-xs">{}</pre>', text)


def link(url_name: str, pk: object, text: object) -> SafeString | str:
    try:
        return format_html('<a class="text-primary-600" href="{}">{}</a>', reverse(url_name, args=[pk]), text)
    except NoReverseMatch:
        return str(text)


def link_to(obj: Model | None, text: object = "") -> SafeString | str:
    if obj is None:
        return str(text) or "–"
    return link(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", obj.pk, text or obj)


def run_link(run_id: UUID | None, status: str | None) -> SafeString | str:
    """A run by its status; one that is gone has none, and no page."""
    if run_id is None or status is None:
        return "–" if run_id is None else "purged"
    return link("admin:runs_app_workflowrun_change", run_id, status)
