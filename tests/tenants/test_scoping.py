"""A query that names no tenant reaches no row, whichever way it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count, Exists, OuterRef, Subquery, Value

from tenants_app.actions import add_member, create_user, set_variable
from tenants_app.models import Membership, Tenant, Variable
from tenants_app.scoping import ForeignTenant, UnscopedQuery

Query = Any
Terminal = Callable[[Query], Any]


async def alist(query: Query) -> list[Any]:
    return [row async for row in query]


async def aiterated(query: Query) -> list[Any]:
    return [row async for row in query.aiterator()]


TERMINALS: dict[str, Terminal] = {
    "iteration": lambda q: next(iter(q)),
    "list": list,
    "len": len,
    "bool": bool,
    "index": lambda q: q[0],
    "slice": lambda q: list(q[:1]),
    "stepped slice": lambda q: q[::2],
    "contains": lambda q: q.contains(Variable(pk=1)),
    "in": lambda q: Variable(pk=1) in q,
    "get": lambda q: q.get(name="COLOUR"),
    "get_or_create": lambda q: q.get_or_create(name="COLOUR"),
    "update_or_create": lambda q: q.update_or_create(name="COLOUR", defaults={"value": "x"}),
    "count": lambda q: q.count(),
    "exists": lambda q: q.exists(),
    "aggregate": lambda q: q.aggregate(Count("pk")),
    "update": lambda q: q.update(value="x"),
    "delete": lambda q: q.delete(),
    "first": lambda q: q.first(),
    "last": lambda q: q.last(),
    "earliest": lambda q: q.earliest("created_at"),
    "latest": lambda q: q.latest("created_at"),
    "in_bulk": lambda q: q.in_bulk(),
    "in_bulk of nothing": lambda q: q.in_bulk([]),
    "iterator": lambda q: q.iterator(),
    "values": lambda q: list(q.values("name")),
    "values_list": lambda q: list(q.values_list("name", flat=True)),
    "dates": lambda q: list(q.datetimes("created_at", "day")),
    "annotate": lambda q: list(q.annotate(one=Value(1))),
    "distinct": lambda q: list(q.distinct()),
    "order_by": lambda q: q.order_by("-name").first(),
    "only": lambda q: list(q.only("name")),
    "select_related": lambda q: list(q.select_related("tenant")),
    "reverse": lambda q: q.reverse()[0],
    "bulk_update": lambda q: q.bulk_update([Variable(pk=1)], ["value"]),
    "bulk_update of nothing": lambda q: q.bulk_update([], ["value"]),
    "explain": lambda q: q.explain(),
    "its SQL": lambda q: str(q.query),
    "union": lambda q: list(q.order_by().union(q.order_by())),
    "or": lambda q: list(q | q),
    "and": lambda q: list(q & q),
    "aget": lambda q: asyncio.run(q.aget(name="COLOUR")),
    "acount": lambda q: asyncio.run(q.acount()),
    "aexists": lambda q: asyncio.run(q.aexists()),
    "afirst": lambda q: asyncio.run(q.afirst()),
    "aupdate": lambda q: asyncio.run(q.aupdate(value="x")),
    "adelete": lambda q: asyncio.run(q.adelete()),
    "ain_bulk": lambda q: asyncio.run(q.ain_bulk()),
    "aaggregate": lambda q: asyncio.run(q.aaggregate(Count("pk"))),
    "aget_or_create": lambda q: asyncio.run(q.aget_or_create(name="COLOUR")),
    "async iteration": lambda q: asyncio.run(alist(q)),
    "aiterator": lambda q: asyncio.run(aiterated(q)),
}
NOT_A_MANAGERS = {
    *("iteration", "list", "len", "bool", "index", "slice", "stepped slice", "in", "its SQL", "or", "and", "union"),
    *("delete", "adelete", "async iteration"),
}
ASYNCHRONOUS = {name for name in TERMINALS if name.startswith("a") and name not in {"aggregate", "and", "annotate"}}


@pytest.fixture
def variables(tenant: Tenant, other_tenant: Tenant) -> None:
    set_variable(tenant, "COLOUR", "red")
    set_variable(other_tenant, "COLOUR", "blue")


@pytest.mark.parametrize("name", TERMINALS)
@pytest.mark.parametrize("prepare", ["all", "filter", "exclude"])
def test_no_terminal_method_answers_without_a_scope(variables: None, name: str, prepare: str) -> None:
    query: Query = Variable.objects.all()
    query = query if prepare == "all" else getattr(query, prepare)(tenant__name="Acme")

    with pytest.raises(UnscopedQuery):
        TERMINALS[name](query)

    assert {row.value for row in Variable.objects.all_tenants()} == {"red", "blue"}


@pytest.mark.parametrize("name", [name for name in TERMINALS if name not in NOT_A_MANAGERS])
def test_the_manager_itself_refuses_too(variables: None, name: str) -> None:
    with pytest.raises(UnscopedQuery):
        TERMINALS[name](Variable.objects)


@pytest.mark.parametrize("name", [n for n in TERMINALS if n not in ASYNCHRONOUS | {"async iteration"}])
def test_every_terminal_method_answers_within_a_scope(variables: None, tenant: Tenant, name: str) -> None:
    TERMINALS[name](Variable.objects.for_tenant(tenant))

    assert Variable.objects.for_tenant("globex").get().value == "blue"


def test_a_scope_shows_only_its_own(variables: None, tenant: Tenant) -> None:
    assert [row.value for row in Variable.objects.for_tenant(tenant)] == ["red"]
    assert [row.value for row in Variable.objects.for_tenant("globex")] == ["blue"]
    assert Variable.objects.all_tenants().count() == 2


@pytest.mark.parametrize("nothing", ["", None])
def test_a_scope_needs_a_tenant(db: None, nothing: Any) -> None:
    with pytest.raises((ValueError, AttributeError)):
        Variable.objects.for_tenant(nothing)


def test_an_unscoped_query_hides_nowhere(variables: None, tenant: Tenant) -> None:
    mine, unscoped = Variable.objects.for_tenant(tenant), Variable.objects.filter(value="blue")
    hidden: list[Callable[[], Any]] = [
        lambda: mine.filter(pk__in=unscoped).exists(),
        lambda: mine.filter(Exists(unscoped.filter(name=OuterRef("name")))).exists(),
        lambda: list(mine.annotate(theirs=Subquery(unscoped.values("value")[:1]))),
        lambda: list(mine.union(unscoped)),
        lambda: mine.intersection(unscoped).count(),
        lambda: list(mine.difference(unscoped)),
        lambda: list(mine | unscoped),
        lambda: list(unscoped | mine),
        lambda: list(mine & unscoped),
        lambda: list(Tenant.objects.filter(pk__in=unscoped.values("tenant"))),
        lambda: Tenant.objects.filter(pk__in=unscoped.values("tenant")).update(name="x"),
        lambda: Variable.objects.raw("SELECT * FROM variables"),
        lambda: mine.raw("SELECT * FROM variables"),
    ]

    for query in hidden:
        with pytest.raises((UnscopedQuery, ForeignTenant)):
            query()


def test_scopes_of_two_tenants_do_not_mix(variables: None) -> None:
    with pytest.raises(ForeignTenant):
        list(Variable.objects.for_tenant("acme") | Variable.objects.for_tenant("globex"))


def test_scoped_queries_combine(variables: None, tenant: Tenant) -> None:
    mine = Variable.objects.for_tenant(tenant)

    assert (mine.filter(name="COLOUR") | mine.filter(name="SHAPE")).count() == 1
    assert mine.filter(pk__in=mine).count() == 1
    assert mine.order_by().union(Variable.objects.all_tenants().order_by()).count() == 2


def test_excluding_by_many_rows_works(tenant: Tenant) -> None:
    """Django answers it with a subquery of its own making."""
    add_member(create_user(email="ada@example.com"), tenant, "admin")
    members = Membership.objects.for_tenant(tenant)

    assert members.exclude(user__memberships__role="admin").count() == 0
    assert members.exclude(user__memberships__role="viewer").count() == 1


def test_an_empty_query_needs_no_scope(db: None) -> None:
    assert list(Variable.objects.none()) == []
    assert Variable.objects.none().count() == 0


def test_a_new_row_belongs_to_the_scope(tenant: Tenant) -> None:
    mine = Variable.objects.for_tenant(tenant)

    assert mine.create(name="A").tenant == tenant
    assert mine.get_or_create(name="B")[0].tenant == tenant
    assert mine.update_or_create(name="C", defaults={"value": "c"})[0].tenant == tenant
    assert mine.bulk_create([Variable(name="D")])[0].tenant == tenant
    assert Variable.objects.create(tenant=tenant, name="E").tenant == tenant
    assert asyncio.run(alist(Variable.objects.none())) == []


def test_a_row_without_a_tenant_is_refused(db: None) -> None:
    with pytest.raises(UnscopedQuery):
        Variable.objects.create(name="A")
    with pytest.raises(UnscopedQuery):
        Variable.objects.all_tenants().create(name="A")
    with pytest.raises(UnscopedQuery):
        Variable.objects.bulk_create([Variable(name="A")])


def test_a_scope_writes_no_foreign_row(variables: None, tenant: Tenant, other_tenant: Tenant) -> None:
    mine = Variable.objects.for_tenant(tenant)
    foreign: list[Callable[[], Any]] = [
        lambda: mine.create(tenant=other_tenant, name="A"),
        lambda: mine.create(tenant_id="globex", name="A"),
        lambda: mine.bulk_create([Variable(tenant=other_tenant, name="A")]),
        lambda: mine.update(tenant=other_tenant),
        lambda: mine.update_or_create(name="COLOUR", defaults={"tenant": other_tenant}),
        lambda: mine.get_or_create(name="A", defaults={"tenant": other_tenant}),
    ]

    for write in foreign:
        with pytest.raises(ForeignTenant):
            write()
    assert Variable.objects.for_tenant(other_tenant).count() == 1


def test_django_itself_keeps_working(tenant: Tenant) -> None:
    user = create_user(email="ada@example.com")
    membership = add_member(user, tenant)

    membership.refresh_from_db()
    membership.full_clean()
    assert list(user.memberships.all()) == [membership]
    assert Membership.objects.for_tenant(tenant).select_related("user").get().user == user
    user.delete()
    assert not Membership.objects.for_tenant(tenant).exists()


def test_an_unscoped_query_can_be_printed(db: None) -> None:
    assert repr(Variable.objects.all()) == "<TenantQuerySet of Variable, unscoped>"
