"""What pages say about approvals, and to whom they offer to decide them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import reverse

from highway_automation.base import clock
from highway_automation.base.safe_json import JSON
from runs_app.admin.display import duration, pretty
from runs_app.deciders import Decider, has_spoken, refusal
from runs_app.models import Approval, ApprovalStatus, WorkflowRun
from tenants_app.admin.base import rows_for


def told(approval: Approval) -> str:
    """Its status in words: `1 of 2 approved` while it waits for more."""
    if approval.is_pending and approval.required > 1:
        return f"{approval.approved_so_far} of {approval.required} approved"
    return "waiting" if approval.is_pending else str(approval.status)


def deciding(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    """Whether this person may decide it now, and what to tell them if not."""
    by = Decider.of(request)
    why = refusal(approval, by)
    if not why and has_spoken(approval, by):
        why = "You approved it; it waits for others."
    return {"may_decide": approval.is_pending and not why, "why_not": why if approval.is_pending else ""}


def waiting(request: HttpRequest) -> dict[str, Any]:
    """What the head of the inbox says, in one query."""
    at = clock.now()
    rows = rows_for(Approval, request).filter(status=ApprovalStatus.PENDING)
    found = rows.aggregate(
        count=Count("pk"), oldest=Min("requested_at"), expiring=Count("expires_at"), next=Min("expires_at")
    )
    return {
        "count": found["count"],
        "oldest": duration(found["oldest"], at),
        "expiring": found["expiring"],
        "next": duration(at, found["next"]),
    }


def questions_of(request: HttpRequest, run: WorkflowRun) -> list[dict[str, Any]]:
    """What a run waits for people with, for its page."""
    if run.is_final:
        return []
    pending = Approval.objects.for_tenant(run.tenant_id).pending().filter(run=run).order_by("approval_id")
    return [
        {
            "approval": approval,
            "told": told(approval),
            "page": reverse("admin:runs_app_approval_change", args=[approval.pk]),
            "decide": reverse("admin:runs_app_approval_decide", args=[approval.pk]),
            **deciding(request, approval),
        }
        for approval in pending
    ]


def shown_data(data: JSON) -> Iterable[tuple[str, str, bool]]:
    """(name, text, whether the text is JSON) for each part of what is to be approved; simple lists line by line."""
    parts = data.items() if isinstance(data, dict) else [("", data)] if data is not None else []
    for name, value in parts:
        lines = [in_words(line) for line in (value if isinstance(value, list) and value else [value])]
        plain = all(line is not None for line in lines)
        yield str(name), "\n".join(map(str, lines)) if plain else pretty(value), not plain


def in_words(value: JSON) -> str | None:
    """A text, a number, yes or no; None for what is none of these."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else None
