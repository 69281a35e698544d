"""How the admin looks: its name, and the side bar in the order of what a user does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from tenants_app.roles import may


def superusers(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def may_edit(request: HttpRequest) -> bool:
    return may(getattr(request, "role", None), "edit")


def among_tenants(request: HttpRequest) -> bool:
    """The page of the switch, which has an entry of its own, stands below theirs."""
    here = request.path.removeprefix(str(reverse_lazy("admin:tenants_app_tenant_changelist")))
    return here != request.path and not here.startswith("stop/")


def may_open(page: str) -> Callable[[HttpRequest], bool]:
    """Whether the list behind an entry opens for the person who looks."""
    app, model, _ = page.rsplit("_", 2)
    return lambda request: admin.site.get_model_admin(apps.get_model(app, model)).has_view_permission(request)


def entry(title: str, icon: str, page: str, **more: Any) -> dict[str, Any]:
    allowed = {"permission": may_open(page)} if page.endswith("_changelist") else {}
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}"), **allowed, **more}


def group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


WAITING = "highway_automation.dashboard.approvals_waiting"
UNSENT = "highway_automation.dashboard.failed_mails"

NAVIGATION = [
    {"items": [entry("Overview", "dashboard", "index")]},
    group(
        "Automate",
        entry("Templates", "account_tree", "templates_app_workflowtemplate_changelist"),
        entry("Schedules", "schedule", "schedules_app_scheduledworkflow_changelist"),
        entry("Triggers", "bolt", "triggers_app_eventtrigger_changelist"),
    ),
    group(
        "Follow",
        entry("Runs", "play_circle", "runs_app_workflowrun_changelist"),
        entry("Approvals", "approval", "runs_app_approval_changelist", badge=WAITING),
        entry("Ticks", "event_available", "schedules_app_scheduletick_changelist"),
        entry("Events", "sensors", "triggers_app_event_changelist"),
        entry("Deliveries", "outbound", "triggers_app_triggerdelivery_changelist"),
        entry("Outbox", "outbox", "tenants_app_outboxmail_changelist", badge=UNSENT),
        entry("Workers", "dns", "runs_app_worker_changelist"),
    ),
    group(
        "Provide",
        entry("Variables and secrets", "key_vertical", "tenants_app_variable_changelist"),
        entry("Mail texts", "mail", "runs_app_emailtemplate_changelist"),
        entry("Definitions", "data_object", "runs_app_workflowdefinition_changelist"),
        entry("Artifacts", "folder_zip", "runs_app_artifact_changelist"),
    ),
    group(
        "Manage",
        entry("Members", "group", "tenants_app_membership_changelist"),
        entry("Users", "person", "tenants_app_user_changelist"),
        entry("API keys", "vpn_key", "tenants_app_apikey_changelist"),
        entry("Stop everything", "front_hand", "tenants_app_tenant_stop", permission=may_edit),
        entry("Tenants", "apartment", "tenants_app_tenant_changelist", permission=superusers, active=among_tenants),
        entry("Periodic tasks", "update", "django_celery_beat_periodictask_changelist", permission=superusers),
        entry("Audit log", "history", "auditlog_logentry_changelist", permission=superusers),
    ),
]

UNFOLD = {
    "SITE_TITLE": "Highway Automation",
    "SITE_HEADER": "Highway Automation",
    "SITE_SUBHEADER": "templates, schedules, triggers",
    "SITE_SYMBOL": "alt_route",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "highway_automation.dashboard.dashboard",
    "STYLES": [lambda request: static("highway/admin.css")],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": NAVIGATION},
}
