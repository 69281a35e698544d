"""People, their places and tenants in the admin."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tenants_app.models import Membership, Tenant, User
from tests.tenants.conftest import SignIn
from tests.tenants.pages import MEMBERS, TENANTS, USERS, switch, text


def test_an_admin_adds_a_person(alice: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    form = text(client.get(f"{USERS}add/"))
    assert 'value="acme"' in form
    assert "globex" not in form

    asked = {"email": "ada@example.com", "tenant": "acme", "role": "editor", "first_name": "Ada", "last_name": ""}
    assert client.post(f"{USERS}add/", asked).status_code == 302

    user = User.objects.get(email="ada@example.com")
    assert (user.first_name, user.is_staff, user.has_usable_password()) == ("Ada", True, False)
    assert Membership.objects.for_tenant(tenant).get(user=user).role == "editor"


def test_a_person_is_added_to_no_foreign_tenant(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    pages = [
        client.post(f"{USERS}add/", {"email": "ada@example.com", "tenant": name, "role": "viewer"})
        for name in ("globex", "nowhere")
    ]

    errors = [page.context["adminform"].form.errors["tenant"] for page in pages]
    assert errors[0] == errors[1]
    assert not User.objects.filter(email="ada@example.com").exists()


def test_a_person_known_elsewhere_just_gets_a_place(
    alice: User, mallory: User, tenant: Tenant, sign_in: SignIn
) -> None:
    asked = {"email": "mallory@example.com", "tenant": "acme", "role": "viewer", "password": "correct horse 99 battery"}

    assert sign_in(alice).post(f"{USERS}add/", asked).status_code == 302

    assert Membership.objects.for_tenant(tenant).filter(user=mallory).exists()
    assert User.objects.get(pk=mallory.pk).password == mallory.password


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"email": "alice@example.com"}, "__all__"),
        ({"email": ""}, "email"),
        ({"email": "x"}, "email"),
        ({"role": "king"}, "role"),
        ({"password": "short"}, "password"),
    ],
)
def test_an_impossible_person_is_refused(alice: User, sign_in: SignIn, asked: dict[str, str], field: str) -> None:
    page = sign_in(alice).post(
        f"{USERS}add/", {"email": "ada@example.com", "tenant": "acme", "role": "viewer", **asked}
    )

    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert User.objects.count() == 1


def test_a_tenants_admin_takes_over_no_account(alice: User, bob: User, sign_in: SignIn) -> None:
    client = sign_in(alice)

    answer = client.post(f"{USERS}{bob.pk}/change/", {"username": "bob", "email": "evil@example.com"})

    assert answer.status_code == 403
    assert User.objects.get(pk=bob.pk).email == "bob@example.com"
    assert client.post(f"{USERS}{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    page = text(client.get(f"{USERS}{bob.pk}/change/"))
    assert "bob@example.com" in page
    assert "password" not in page.lower().replace("password_change", "").replace("change password", "")


def test_a_superuser_changes_an_account(superuser: User, bob: User, sign_in: SignIn) -> None:
    client = sign_in(superuser)
    switch(client, "*")
    place = bob.memberships.get()
    asked = {
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": place.pk,
        "memberships-0-user": bob.pk,
        "username": "bob",
        "email": "bob@example.org",
        "is_active": "on",
        "new_password": "correct horse 77 battery",
    }

    assert client.post(f"{USERS}{bob.pk}/change/", asked).status_code == 302

    changed = User.objects.get(pk=bob.pk)
    assert changed.email == "bob@example.org"
    assert changed.check_password("correct horse 77 battery")
    assert client.post(f"{USERS}{bob.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=bob.pk).exists()


def test_members_are_managed(alice: User, bob: User, tenant: Tenant, sign_in: SignIn) -> None:
    client, mine = sign_in(alice), Membership.objects.for_tenant(tenant)
    assert client.post(f"{MEMBERS}add/", {"email": "ada@example.com", "role": "operator"}).status_code == 302
    assert mine.get(user__email="ada@example.com").role == "operator"

    place = mine.get(user=bob)
    client.post(f"{MEMBERS}{place.pk}/change/", {"role": "editor"})
    assert mine.get(user=bob).role == "editor"
    client.post(f"{MEMBERS}{place.pk}/delete/", {"post": "yes"})
    assert not mine.filter(user=bob).exists()

    last = mine.get(user=alice)
    assert "without an admin" in text(client.post(f"{MEMBERS}{last.pk}/change/", {"role": "viewer"}))
    page = client.post(f"{MEMBERS}{last.pk}/delete/", {"post": "yes"}, follow=True)
    assert "without an admin" in text(page)
    assert mine.get(user=alice).role == "admin"


def test_a_superuser_makes_grants_and_stops_a_tenant(superuser: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(superuser)
    asked = {
        "tenant_id": "new-co.1",
        "name": "New",
        "allowed_tools": '["tools.log.*"]',
        "api_url": "http://127.0.0.1:8",
    }
    assert client.post(f"{TENANTS}add/", asked).status_code == 302
    made = Tenant.objects.get(pk="new-co.1")
    assert (made.allowed_tools, made.http_allow) == (["tools.log.*"], ["127.0.0.1:8"])

    url = reverse("admin:tenants_app_tenant_change", args=["new-co.1"])
    client.post(url, {"name": "Newer", "allowed_tools": '["tools.*"]', "http_allow": "[]"})
    assert Tenant.objects.get(pk="new-co.1").allowed_tools == ["tools.*"]
    refused = client.post(url, {"name": "Newer", "allowed_tools": "[1]", "http_allow": '["nonsense"]'})
    assert set(refused.context["adminform"].form.errors) == {"allowed_tools", "http_allow"}

    stop = reverse("admin:tenants_app_tenant_do", args=["new-co.1", "stop"])
    assert stop in text(client.get(url))
    client.post(stop)
    assert not Tenant.objects.get(pk="new-co.1").enabled
    assert "already" in text(client.post(f"{TENANTS}add/", asked))


def test_a_tenants_admin_is_no_superuser(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)

    assert client.get(f"{TENANTS}acme/change/").status_code == 403
    assert client.post(f"{TENANTS}acme/do/stop/").status_code == 403
    assert Tenant.objects.get().enabled
