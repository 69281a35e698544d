"""How a command tells a refusal: its reason on stderr, exit code 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from highway_automation.base.errors import HighwayError
from tenants_app.models import Tenant


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except HighwayError as error:
        raise CommandError(error.lines()) from None


def tenant_named(tenant_id: str) -> Tenant:
    """The tenant of `--tenant`, or the command ends saying which there are."""
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.values_list("pk", flat=True)[:20]) or "none yet; `create_tenant` makes one"
        raise CommandError(f"There is no tenant {tenant_id!r}. Known: {known}.")
    return tenant
