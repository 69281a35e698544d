"""What a tenant's workflows read by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tenants_app.crypto import decrypt
from tenants_app.models import Variable


def variables_of(tenant_id: str) -> Mapping[str, str]:
    """The tenant's plain variables, in one query."""
    return dict(Variable.objects.for_tenant(tenant_id).filter(secret=False).values_list("name", "value"))


def secrets_of(tenant_id: str, names: Iterable[str]) -> dict[str, str]:
    """The tenant's secrets of these names, decrypted, in one query; a name without a secret is absent.

    Raises:
        Undecryptable: the key that encrypted one of them is gone.
    """
    rows = Variable.objects.for_tenant(tenant_id).filter(secret=True, name__in=set(names))
    return {name: decrypt(token) for name, token in rows.values_list("name", "encrypted")}
