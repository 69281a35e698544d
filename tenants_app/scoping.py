"""Tenant scope as a property of the query: what has not named its tenant never reaches the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import sql

if TYPE_CHECKING:
    from tenants_app.models import Tenant

M = TypeVar("M", bound=models.Model, covariant=True)


class Breadth(Enum):
    UNSCOPED = "unscoped"
    ALL = "all tenants"
    INTERNAL = "made by Django inside a scoped query"


class UnscopedQuery(RuntimeError):
    """A tenant-owned model was queried without `.for_tenant(…)` or `.all_tenants()`: a fault in the program."""

    def __init__(self, model: type[models.Model], verb: str) -> None:
        super().__init__(f"{model.__name__}: {verb} needs .for_tenant(tenant) or .all_tenants() first.")


class ForeignTenant(RuntimeError):
    """A row of one tenant was about to be written, or merged, within the scope of another."""

    def __init__(self, model: type[models.Model], scope: object, named: object) -> None:
        super().__init__(f"{model.__name__}: the scope is {scope!r}, the row or query names {named!r}.")


class TenantQuery(sql.Query):
    """Carries the scope through every clone and checks it again at compilation, where subqueries and unions end up."""

    # Django builds helper queries by `self.__class__(model)` (split_exclude); only querysets start unscoped.
    tenant_scope: str | Breadth = Breadth.INTERNAL

    def refuse_unscoped(self, verb: str) -> None:
        if self.tenant_scope is Breadth.UNSCOPED and not self.is_empty():
            raise UnscopedQuery(self.model or models.Model, verb)

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        self.refuse_unscoped("compiling a query")
        return super().get_compiler(*args, **kwargs)


def tenant_key(tenant: Tenant | str) -> str:
    return tenant if isinstance(tenant, str) else tenant.pk


class TenantQuerySet(models.QuerySet[M]):
    """Refuses every terminal method until `.for_tenant(tenant)` or `.all_tenants()` was called."""

    def __init__(
        self,
        model: type[models.Model] | None = None,
        query: sql.Query | None = None,
        using: str | None = None,
        hints: dict[str, models.Model] | None = None,
    ) -> None:
        if query is None and model is not None:
            query = TenantQuery(model)
            query.tenant_scope = Breadth.UNSCOPED
        super().__init__(model, query, using, hints)

    def for_tenant(self, tenant: Tenant | str) -> Self:
        """Only the rows of this tenant (a Tenant or its id)."""
        key = tenant_key(tenant)
        if not key:
            raise ValueError("for_tenant() needs a tenant.")
        return self.filter(tenant_id=key)._with_scope(key)

    def all_tenants(self) -> Self:
        """Rows of every tenant: for sweeps, superusers and the machinery; say so by calling it."""
        return self._with_scope(Breadth.ALL)

    @property
    def tenant_scope(self) -> str | Breadth:
        return getattr(self.query, "tenant_scope", Breadth.INTERNAL)

    def _with_scope(self, scope: str | Breadth) -> Self:
        clone = self._chain()  # type: ignore[attr-defined]
        clone.query.tenant_scope = scope
        return clone  # type: ignore[no-any-return]

    def refuse_unscoped(self, verb: str) -> None:
        if isinstance(self.query, TenantQuery):
            self.query.refuse_unscoped(verb)

    def refuse_foreign(self, values: Mapping[str, Any]) -> None:
        named = named_tenant(values)
        if named is not None and isinstance(self.tenant_scope, str) and named != self.tenant_scope:
            raise ForeignTenant(self.model, self.tenant_scope, named)

    def __repr__(self) -> str:
        if self.tenant_scope is Breadth.UNSCOPED:
            return f"<{type(self).__name__} of {self.model.__name__}, unscoped>"
        return super().__repr__()

    def _fetch_all(self) -> None:
        self.refuse_unscoped("reading")
        super()._fetch_all()

    def _merge_sanity_check(self, other: models.QuerySet[Any]) -> None:
        super()._merge_sanity_check(other)  # type: ignore[misc]
        theirs = getattr(other.query, "tenant_scope", Breadth.INTERNAL)
        self.refuse_unscoped("combining")
        if theirs != self.tenant_scope:
            raise ForeignTenant(self.model, self.tenant_scope, theirs)

    def create(self, **kwargs: Any) -> M:
        """Within a tenant's scope the row gets that tenant; otherwise the caller names one."""
        self.refuse_foreign(kwargs)
        if named_tenant(kwargs) is None:
            if not isinstance(self.tenant_scope, str):
                raise UnscopedQuery(self.model, "create without a tenant")
            kwargs["tenant_id"] = self.tenant_scope
        return super().create(**kwargs)

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            self._adopt(row)
        return super().bulk_create(rows, *args, **kwargs)

    def _adopt(self, row: Any) -> None:
        if row.tenant_id is None and isinstance(self.tenant_scope, str):
            row.tenant_id = self.tenant_scope
        if row.tenant_id is None:
            raise UnscopedQuery(self.model, "bulk_create without a tenant")
        self.refuse_foreign({"tenant_id": row.tenant_id})

    def update(self, **kwargs: Any) -> int:
        self.refuse_unscoped("update")
        self.refuse_foreign(kwargs)
        return super().update(**kwargs)

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        self.refuse_unscoped("update_or_create")
        self.refuse_foreign(defaults or {})
        return super().update_or_create(defaults, create_defaults, **kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        """Raw SQL can't be scoped, so it is only open to `.all_tenants()`."""
        if self.tenant_scope is not Breadth.ALL:
            raise UnscopedQuery(self.model, "raw")
        return super().raw(*args, **kwargs)


def named_tenant(values: Mapping[str, Any]) -> str | None:
    value = values.get("tenant", values.get("tenant_id"))
    key: str | None = getattr(value, "pk", value)
    return key


def refusing(name: str) -> Callable[..., Any]:
    method = getattr(models.QuerySet, name)

    @wraps(method)
    def guarded(self: TenantQuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        self.refuse_unscoped(name)
        return method(self, *args, **kwargs)

    return guarded


# The asynchronous twins call these. Reading methods that end in _fetch_all are named too, so that none answers from
# a short cut (`in_bulk([])`, `bulk_update([])`) before it is asked for its scope.
TERMINALS = (
    *("aggregate", "bulk_update", "contains", "count", "delete", "earliest", "exists", "explain", "first", "get"),
    *("get_or_create", "in_bulk", "iterator", "last", "latest", "_raw_delete", "_update"),
)
for _name in TERMINALS:
    setattr(TenantQuerySet, _name, refusing(_name))


TenantManager = models.Manager.from_queryset(TenantQuerySet, class_name="TenantManager")


class TenantModel(models.Model):
    """What a tenant owns. `objects` wants a scope; `plain` is for Django's own machinery (validation, relations,
    deletion) and the admin and API bases, nobody else.
    """

    tenant = models.ForeignKey("tenants_app.Tenant", models.PROTECT, db_column="tenant_id", related_name="+")

    plain = models.Manager()
    objects = TenantManager()

    class Meta:
        abstract = True
        default_manager_name = "plain"
        base_manager_name = "plain"
