"""Who asks, for which tenant, in which role: what every authenticated request carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from highway_automation.base.errors import BadRequest, Forbidden, HighwayError
from tenants_app.models import APIKey, Membership, Tenant, User
from tenants_app.roles import Role

LISTED = 100


@dataclass(frozen=True)
class Access:
    """`refusal` says why there is no tenant; views that need one answer with it."""

    tenant: Tenant | None
    role: str | None
    api_key: APIKey | None = None
    run_id: UUID | str | None = None
    refusal: HighwayError | None = None

    def put_on(self, request: Any) -> None:
        request.tenant, request.role, request.api_key = self.tenant, self.role, self.api_key


class Program:
    """`request.user` of a program: it holds a key or a run's token and is no person."""

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False
    pk = id = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def get_username(self) -> str:
        return self.name


def person(request: Any) -> User | None:
    """The user behind a request; None for programs."""
    user = getattr(request, "user", None)
    return user if isinstance(user, User) else None


def access_of(user: User, wanted: str | None) -> Access:
    """A person's access to the tenant they name, or to their only one.

    A tenant they are no member of is refused in the same words whether it exists or not. Superusers enter every
    tenant as admin.
    """
    places = places_of(user, wanted)
    if wanted is not None:
        if not places:
            return Access(None, None, refusal=Forbidden(f"You are not a member of a tenant {wanted!r}."))
        return Access(*places[0])
    if len(places) == 1:
        return Access(*places[0])
    if not places:
        return Access(None, None, refusal=Forbidden("You are not a member of any tenant."))
    ids = [tenant.pk for tenant, _ in places]
    told = f"Name the tenant in the X-Tenant header or ?tenant=; yours are {', '.join(ids)}."
    return Access(None, None, refusal=BadRequest(told, tenants=ids))


def places_of(user: User, wanted: str | None = None) -> list[tuple[Tenant, str]]:
    """The tenants a user may enter and their role in each, in one query; only `wanted` when named."""
    if user.is_superuser:
        tenants = Tenant.objects.all() if wanted is None else Tenant.objects.filter(pk=wanted)
        return [(tenant, Role.ADMIN) for tenant in tenants[:LISTED]]
    rows = Membership.objects.all_tenants().filter(user=user).select_related("tenant").order_by("tenant_id")
    if wanted is not None:
        rows = rows.filter(tenant_id=wanted)
    return [(row.tenant, row.role) for row in rows[:LISTED]]


def wanted_tenant(request: HttpRequest) -> str | None:
    wanted = request.headers.get("X-Tenant") or request.GET.get("tenant")
    return wanted.replace("\x00", "\ufffd") if wanted else None
