from __future__ import annotations

from highway_automation.base.clock import now
from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, FieldError, Invalid
from tenants_app.actions.checks import conflict, locked, validated
from tenants_app.crypto import encrypt, rotate
from tenants_app.models import Tenant, Variable


def set_variable(tenant: Tenant, name: str, value: str, secret: bool = False) -> Variable:
    """Create or replace the tenant's variable of this name; a secret is stored encrypted only. Raises Invalid."""
    rows = Variable.objects.for_tenant(tenant)
    with atomic():
        variable = lock_rows(rows.filter(name=name)).first() or Variable(tenant=tenant, name=name)
        return store(variable, value, secret)


def create_variable(tenant: Tenant, name: str, value: str, secret: bool = False) -> Variable:
    """As `set_variable`, for a name that is free. Raises Conflict when it is not."""
    with atomic():
        if lock_rows(Variable.objects.for_tenant(tenant).filter(name=name)).exists():
            raise Conflict(f"There already is a variable {name!r}.")
        return store(Variable(tenant=tenant, name=name), value, secret)


def change_variable(variable: Variable, value: str | None, secret: bool | None = None) -> Variable:
    """Another value (None keeps it), another kind (None keeps that).

    Raises:
        Invalid: a secret is to become plain without a new value, which would show the old one.
        NotFound: it was deleted meanwhile.
    """
    secret = variable.secret if secret is None else secret
    with atomic():
        rows = Variable.objects.for_tenant(variable.tenant_id).filter(pk=variable.pk)
        row = locked(rows, f"There is no variable {variable.name!r} any more.")
        if value is None and row.secret and not secret:
            message = "Give a new value: a secret's own value is never shown again."
            raise Invalid(message, errors=[FieldError("value", message)])
        if value is None and row.secret:
            return row
        return store(row, row.value if value is None else value, secret)


def store(variable: Variable, value: str, secret: bool) -> Variable:
    variable.secret, variable.updated_at = secret, now()
    variable.value, variable.encrypted = ("", encrypt(value)) if secret else (value, "")
    validated(variable)
    with conflict(f"The variable {variable.name!r} was made by somebody else just now."):
        variable.save()
    return variable


def delete_variable(variable: Variable) -> None:
    variable.delete()


def rotate_secrets() -> int:
    """Encrypt every secret with the first key again, after a new one was put in front; how many there were.

    Raises:
        Undecryptable: the key of one of them is gone; then none is changed.
    """
    with atomic():
        rows = lock_rows(Variable.objects.all_tenants().filter(secret=True))
        for variable in rows:
            variable.encrypted = rotate(variable.encrypted)
            variable.save(update_fields=["encrypted"])
    return len(rows)
