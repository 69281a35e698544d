from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from highway_automation.base.errors import Conflict, Invalid
from tenants_app.actions import (
    add_member,
    adopt_users_without_tenant,
    change_role,
    create_user,
    delete_user,
    invite,
    remove_member,
)
from tenants_app.models import Membership, Tenant, User
from tenants_app.roles import ROLE_VERBS, VERBS, Role, may, role_for
from tenants_app.signals import membership_created


def places(user: User) -> list[tuple[str, str]]:
    return list(Membership.objects.all_tenants().filter(user=user).values_list("tenant_id", "role"))


def test_each_role_may_do_what_the_lesser_one_may() -> None:
    for lesser, greater in zip(list(Role)[:-1], list(Role)[1:], strict=True):
        assert ROLE_VERBS[lesser] < ROLE_VERBS[greater]
    assert ROLE_VERBS[Role.ADMIN] == set(VERBS)


def test_nobody_may_nothing_and_a_wrong_verb_is_loud() -> None:
    assert not may(None, "view")
    with pytest.raises(ValueError, match="not a verb"):
        may("admin", "fly")


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        ([], "viewer"),
        (["view_workflows", "view_approvals"], "viewer"),
        (["submit_workflows", "cancel_workflows"], "operator"),
        (["approve_workflows"], "operator"),
        (["edit_templates"], "editor"),
        (["view_workflows", "manage_users"], "admin"),
    ],
)
def test_permissions_of_highway_are_covered_by_the_smallest_role(permissions: list[str], role: str) -> None:
    assert role_for(permissions) == role


def test_a_user_is_made_with_a_place(tenant: Tenant) -> None:
    user = create_user(email="Ada@Example.com", tenant=tenant, role="editor", password="correct horse battery")

    assert (user.username, user.email, user.is_staff) == ("Ada@Example.com", "Ada@example.com", True)
    assert places(user) == [("acme", "editor")]
    assert user.check_password("correct horse battery")


def test_membership_is_announced_once_in_its_transaction(tenant: Tenant) -> None:
    heard: list[tuple[str, str, bool]] = []

    def hear(membership: Membership, **kwargs: Any) -> None:
        open_transaction = transaction.get_connection().in_atomic_block
        heard.append((membership.user.email, membership.tenant.pk, open_transaction))

    membership_created.connect(hear)
    try:
        user = create_user(email="ada@example.com", tenant=tenant)
        with pytest.raises(Conflict):
            add_member(user, tenant)
    finally:
        membership_created.disconnect(hear)

    assert heard == [("ada@example.com", "acme", True)]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "no e-mail"}, "email"),
        ({"email": "ALICE@example.com"}, ""),
        ({"email": "b@example.com", "password": "short"}, "password"),
        ({"email": "b@example.com", "role": "king"}, "role"),
    ],
)
def test_an_impossible_user_is_refused_whole(alice: User, tenant: Tenant, asked: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create_user(**{"tenant": tenant, **asked})  # type: ignore[arg-type]

    assert field in {error["field"] for error in refusal.value.errors}
    assert User.objects.count() == 1


def test_the_database_itself_refuses_a_user_without_e_mail(db: None) -> None:
    with pytest.raises(IntegrityError):
        User.objects.create(username="x")


def test_an_invitation_finds_who_is_known_elsewhere(tenant: Tenant, mallory: User) -> None:
    invite(email="MALLORY@example.com", tenant=tenant, role="operator", password="correct horse battery 2")

    assert sorted(places(mallory)) == [("acme", "operator"), ("globex", "admin")]
    assert not User.objects.get(pk=mallory.pk).check_password("correct horse battery 2")


def test_a_tenant_keeps_an_admin(alice: User, bob: User, tenant: Tenant) -> None:
    mine = Membership.objects.for_tenant(tenant)
    for refuse in (remove_member, lambda m: change_role(m, "viewer"), lambda m: delete_user(m.user)):
        with pytest.raises(Conflict):
            refuse(mine.get(user=alice))

    change_role(mine.get(user=bob), "admin")
    remove_member(mine.get(user=alice))

    assert [row.user for row in mine] == [bob]


def test_deleting_a_user_takes_their_places_along(bob: User) -> None:
    delete_user(bob)

    assert not User.objects.exists()
    assert not Membership.objects.all_tenants().exists()


# A user saved by something else than our verbs ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_user_saved_otherwise_becomes_viewer_of_the_default_tenant(settings: Any) -> None:
    settings.HIGHWAY_DEFAULT_TENANT = "acme"
    tenant = create_tenant_acme()

    with transaction.atomic():
        user = User.objects.create_user("ada", "ada@example.com")
        assert places(user) == []

    assert places(user) == [("acme", "viewer")]
    call_command("createsuperuser", username="root", email="root@example.com", interactive=False, verbosity=0)
    assert places(User.objects.get(username="root")) == [("acme", "viewer")]
    assert Membership.objects.for_tenant(tenant).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_user_with_a_place_gets_no_second_one(settings: Any) -> None:
    settings.HIGHWAY_DEFAULT_TENANT = "acme"
    create_tenant_acme()
    globex = create_tenant_acme("globex")

    user = create_user(email="ada@example.com", tenant=globex)

    assert places(user) == [("globex", "viewer")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("default", ["", "missing"])
def test_without_a_default_tenant_nothing_happens(settings: Any, default: str) -> None:
    settings.HIGHWAY_DEFAULT_TENANT = default
    create_tenant_acme()

    assert places(User.objects.create_user("ada", "ada@example.com")) == []
    assert adopt_users_without_tenant() == 0


@pytest.mark.django_db(transaction=True)
def test_housekeeping_finds_users_that_no_signal_told_of(settings: Any) -> None:
    settings.HIGHWAY_DEFAULT_TENANT = "acme"
    create_tenant_acme()
    heard: list[str] = []

    def hear(membership: Membership, **kwargs: Any) -> None:
        heard.append(membership.user.email)

    User.objects.bulk_create([User(username=f"u{n}", email=f"u{n}@example.com") for n in range(3)])
    membership_created.connect(hear)
    try:
        assert adopt_users_without_tenant() == 3
        assert adopt_users_without_tenant() == 0
    finally:
        membership_created.disconnect(hear)

    assert sorted(heard) == ["u0@example.com", "u1@example.com", "u2@example.com"]


def create_tenant_acme(tenant_id: str = "acme") -> Tenant:
    from tenants_app.actions import create_tenant

    return create_tenant(tenant_id)
