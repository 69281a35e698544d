"""The tenant a signed-in person looks at in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants_app.access import Access, person, places_of
from tenants_app.roles import Role

SESSION_KEY = "tenant_id"
EVERY_TENANT = "*"


class CurrentTenantMiddleware:
    """Puts `tenant`, `role`, `api_key` and, in the admin, `places` (the tenants to switch between) on the request.

    The API replaces them with its own: there the tenant is named per request, never by the admin's switch.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        Access(None, None).put_on(request)
        request.places = []  # type: ignore[attr-defined]
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
    chosen = request.session.get(SESSION_KEY, settings.HIGHWAY_DEFAULT_TENANT)
    if user.is_superuser and (chosen == EVERY_TENANT or not request.places):
        Access(None, Role.ADMIN).put_on(request)
        return
    for tenant, role in sorted(request.places, key=lambda place: place[0].pk != chosen)[:1]:
        Access(tenant, role).put_on(request)
