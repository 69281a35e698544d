from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.models import Membership, Tenant, User
from tests.tenants.conftest import KeyClient


def test_last_login_tells_whether_someone_has_signed_in(api: APIClient, bob: User) -> None:
    url = "/api/v1/users/bob@example.com/last_login"
    assert api.get(url).json() == {"email": "bob@example.com", "last_login": None, "has_logged_in": False}

    assert Client().post("/admin/login/", {"username": "bob", "password": "correct horse battery"}).status_code == 302

    for path in (url, url + "/", url.replace("@", "%40"), url.replace("bob@example", "BOB@Example")):
        told = api.get(path).json()
        assert told["has_logged_in"] is True
        assert told["last_login"] is not None


def test_a_foreign_user_is_as_unknown_as_none(api: APIClient, mallory: User) -> None:
    foreign, unused = (api.get(f"/api/v1/users/{name}@example.com/last_login") for name in ("mallory", "nobody"))

    assert foreign.status_code == unused.status_code == 404
    assert foreign.content == unused.content


def test_a_viewer_may_ask(tenant: Tenant, bob: User, key_client: KeyClient) -> None:
    assert key_client(tenant, "viewer").get("/api/v1/users/bob@example.com/last_login").status_code == 200


def test_members_are_listed_by_tenant(api: APIClient, alice: User, bob: User, mallory: User) -> None:
    told = api.get("/api/v1/users").json()

    assert [(row["email"], row["role"]) for row in told["users"]] == [
        ("alice@example.com", "admin"),
        ("bob@example.com", "viewer"),
    ]
    assert told["total"] == 2
    assert api.get("/api/v1/users/bob@example.com").json()["email"] == "bob@example.com"


def test_memberships_over_the_api(api: APIClient, alice: User, mallory: User, tenant: Tenant) -> None:
    made = api.post("/api/v1/memberships", {"email": "new@example.com", "role": "operator"}, format="json")
    assert made.status_code == 201
    url = f"/api/v1/memberships/{made.json()['id']}"
    assert api.post("/api/v1/memberships", {"email": "NEW@example.com"}, format="json").status_code == 409
    # Whether somebody else knows this e-mail does not show.
    known = api.post("/api/v1/memberships", {"email": "mallory@example.com"}, format="json")
    assert (known.status_code, known.json()["role"]) == (201, "viewer")

    assert api.patch(url, {"role": "editor"}, format="json").json()["role"] == "editor"
    assert api.patch(url, {"role": "king"}, format="json").status_code == 422
    assert api.patch(url, {"user": 1}, format="json").status_code == 422
    assert api.get("/api/v1/memberships?role=editor").json()["total"] == 1
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    last = Membership.objects.for_tenant(tenant).get(user=alice)
    assert api.delete(f"/api/v1/memberships/{last.pk}").status_code == 409


@pytest.mark.parametrize("email", ["", "nonsense", None])
def test_an_impossible_e_mail_is_422(api: APIClient, email: str | None) -> None:
    answer = api.post("/api/v1/memberships", {"email": email}, format="json")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("email")


def test_only_admins_manage_members(tenant: Tenant, key_client: KeyClient) -> None:
    answer = key_client(tenant, "editor").post("/api/v1/memberships", {"email": "a@example.com"}, format="json")

    assert answer.status_code == 403
