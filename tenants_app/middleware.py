"""The tenant a signed-in person looks at in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants_app.access import Access, person, places_of
from tenants_app.actions import installation
from tenants_app.models import Tenant, User
from tenants_app.models.installation import Stopped
from tenants_app.roles import Role, may

SESSION_KEY = "tenant_id"
EVERY_TENANT = "*"


class CurrentTenantMiddleware:
    """Puts `tenant`, `role`, `api_key` and, in the admin, `places` (the tenants to switch between) and `stopped` (what
    every page tells while work is stopped) on the request.

    The API replaces them with its own: there the tenant is named per request, never by the admin's switch.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        Access(None, None).put_on(request)
        request.places = []  # type: ignore[attr-defined]
        request.stopped = []  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match is not None and "admin" in match.app_names and person(request) is not None:
            enter(request)


def enter(request: Any) -> None:
    """The tenant of the switch, as long as the person may still enter it, else the installation's, else their first."""
    user = person(request)
    if user is None:
        return
    request.places = places_of(user)
    choose(request, user)
    request.may_stop = may(request.role, "edit")
    request.stopped = stopped_lines([request.tenant] if request.tenant else [tenant for tenant, _ in request.places])


def choose(request: Any, user: User) -> None:
    chosen = request.session.get(SESSION_KEY, settings.HIGHWAY_DEFAULT_TENANT)
    if user.is_superuser and (chosen == EVERY_TENANT or not request.places):
        Access(None, Role.ADMIN).put_on(request)
        return
    for tenant, role in sorted(request.places, key=lambda place: place[0].pk != chosen)[:1]:
        Access(tenant, role).put_on(request)


def stopped_lines(tenants: list[Tenant]) -> list[str]:
    """Why work stands still; the installation is asked only if it does."""
    still = [tenant for tenant in tenants if not tenant.enabled]
    if not still:
        return []
    whole = installation()
    if whole.stopped_at is not None:
        return [f"Everything is stopped, in every tenant{told(whole)}"]
    return [f"{tenant} is stopped: nothing new starts{told(tenant)}" for tenant in still[:3]]


def told(row: Stopped) -> str:
    return f" ({row.stop_reason})." if row.stop_reason else "."
