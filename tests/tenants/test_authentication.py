"""Who gets in, as whom, and in what words the others are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from highway_automation.base.clock import now
from highway_automation.base.errors import Conflict, Invalid
from tenants_app import keys
from tenants_app.actions import add_member, create_api_key, revoke_api_key, rotate_api_key, set_variable
from tenants_app.models import APIKey, Tenant, User
from tests.tenants.conftest import KeyClient, SignIn

URL = "/api/v1/variables"


def get(key: str | None = None, url: str = URL, **headers: str) -> Any:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return APIClient().get(url, headers=headers)


def test_a_key_opens_its_own_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    set_variable(tenant, "MINE", "1")
    set_variable(other_tenant, "THEIRS", "1")
    _, key = create_api_key(tenant, "ci", "viewer")

    for answer in (get(key), APIClient().get(URL, headers={"X-API-Key": key})):
        assert [row["name"] for row in answer.json()["variables"]] == ["MINE"]


def test_a_key_is_kept_as_a_hash_only(tenant: Tenant) -> None:
    row, key = create_api_key(tenant, "ci", "viewer")

    stored = str(APIKey.objects.for_tenant(tenant).values().get())
    assert key.startswith("hw_k1_")
    assert key not in stored
    assert key.removeprefix(row.prefix) not in stored
    assert row.prefix == key[:16]


@pytest.mark.parametrize("missing", [{}, {"Authorization": "Basic eDp5"}, {"X-API-Key": ""}])
def test_a_request_without_key_is_401(tenant: Tenant, missing: dict[str, str]) -> None:
    answer = get(**missing)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "wrong", ["", "hw_k1_", "hw_k1_" + "x" * 50, "nonsense", "hw_k1_\x00", "ü", "hw_v1_x", "hw_v1_"]
)
def test_a_wrong_key_is_401(tenant: Tenant, wrong: str) -> None:
    create_api_key(tenant, "ci", "viewer")

    assert get(wrong).status_code == 401


def test_a_key_with_another_ending_is_401(tenant: Tenant) -> None:
    _, key = create_api_key(tenant, "ci", "viewer")

    assert get(key[:-1] + ("a" if key[-1] != "a" else "b")).status_code == 401
    assert get(key + "a").status_code == 401


def test_a_wrong_key_is_not_rescued_by_a_session(alice: User, sign_in: SignIn) -> None:
    assert sign_in(alice).get(URL, headers={"Authorization": "Bearer hw_k1_wrong"}).status_code == 401


def test_a_revoked_key_is_401(tenant: Tenant) -> None:
    row, key = create_api_key(tenant, "ci", "viewer")
    revoke_api_key(row)

    assert get(key).status_code == 401
    with pytest.raises(Conflict):
        revoke_api_key(row)


def test_a_key_expires(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    from datetime import timedelta

    _, key = create_api_key(tenant, "ci", "viewer", expires_at=now() + timedelta(days=1))
    assert get(key).status_code == 200

    move_clock(days=1, seconds=1)

    assert get(key).status_code == 401
    with pytest.raises(Invalid):
        create_api_key(tenant, "late", "viewer", expires_at=now() - timedelta(seconds=1))


def test_a_rotated_key_ends_after_its_grace(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    row, old = create_api_key(tenant, "ci", "operator")
    new_row, new = rotate_api_key(row, grace_hours=2)

    assert (new_row.role, new_row.name) == ("operator", "ci")
    assert [get(key).status_code for key in (old, new)] == [200, 200]
    move_clock(hours=3)
    assert [get(key).status_code for key in (old, new)] == [401, 200]
    with pytest.raises(Conflict):
        rotate_api_key(row)


def test_a_key_may_be_bound_to_addresses(tenant: Tenant) -> None:
    _, near = create_api_key(tenant, "near", "viewer", allowed_ips=["127.0.0.0/8", "::1"])
    _, far = create_api_key(tenant, "far", "viewer", allowed_ips=["192.0.2.0/24"])

    assert get(near).status_code == 200
    assert get(far).status_code == 401
    with pytest.raises(Invalid):
        create_api_key(tenant, "wrong", "viewer", allowed_ips=["here"])


def test_use_is_noted_once_a_minute(tenant: Tenant, move_clock: Callable[..., None]) -> None:
    row, key = create_api_key(tenant, "ci", "viewer")
    mine = APIKey.objects.for_tenant(tenant)

    get(key)
    first = mine.get().last_used_at
    assert first is not None
    move_clock(seconds=30)
    get(key)
    assert mine.get().last_used_at == first
    move_clock(seconds=31)
    get(key)
    last = mine.get().last_used_at
    assert last is not None
    assert last > first


def test_a_key_names_no_other_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    _, key = create_api_key(tenant, "ci", "admin")

    assert get(key, **{"X-Tenant": "acme"}).status_code == 200
    foreign, unknown = get(key, **{"X-Tenant": "globex"}), get(key, **{"X-Tenant": "nowhere"})
    assert foreign.status_code == unknown.status_code == 403
    assert foreign.json()["message"].replace("globex", "nowhere") == unknown.json()["message"]


# Roles ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403), ("editor", 201), ("admin", 201)])
def test_the_role_decides(tenant: Tenant, key_client: KeyClient, role: str, status: int) -> None:
    client = key_client(tenant, role)

    assert client.get(URL).status_code == 200
    answer = client.post(URL, {"name": "A", "value": "1"}, format="json")
    assert answer.status_code == status
    if status == 403:
        assert role in answer.json()["message"]


# Sessions -------------------------------------------------------------------------------------------------------------


def test_a_session_uses_its_only_tenant(alice: User, sign_in: SignIn) -> None:
    set_variable(Tenant.objects.get(), "MINE", "1")

    assert sign_in(alice).get(URL).json()["total"] == 1


def test_a_session_with_two_tenants_must_choose(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    set_variable(other_tenant, "THEIRS", "1")
    add_member(alice, other_tenant, "viewer")
    client = sign_in(alice)

    undecided = client.get(URL)
    assert undecided.status_code == 400
    assert undecided.json()["tenants"] == ["acme", "globex"]
    assert client.get(URL, headers={"X-Tenant": "globex"}).json()["total"] == 1
    assert client.get(URL + "?tenant=acme").json()["total"] == 0


def test_a_foreign_tenant_is_as_unknown_as_none(alice: User, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(alice)
    foreign, unknown = (client.get(URL, headers={"X-Tenant": name}) for name in ("globex", "nowhere"))

    assert foreign.status_code == unknown.status_code == 403
    assert foreign.json()["message"].replace("globex", "nowhere") == unknown.json()["message"]


def test_a_person_without_a_tenant_is_403(db: None, sign_in: SignIn) -> None:
    assert sign_in(User.objects.create_user("ada", "ada@example.com")).get(URL).status_code == 403


def test_a_superuser_enters_any_tenant(superuser: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(superuser)

    assert client.get(URL).status_code == 400
    body = {"name": "A", "value": "1"}
    made = client.post(URL, body, content_type="application/json", headers={"X-Tenant": "globex"})
    assert made.status_code == 201
    assert client.get(URL, headers={"X-Tenant": "nowhere"}).status_code == 403


def test_a_session_writes_only_with_its_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.post(URL, {"name": "A", "value": "1"}, content_type="application/json")

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["message"]


def test_a_key_needs_no_csrf_token(tenant: Tenant) -> None:
    _, key = create_api_key(tenant, "ci", "editor")
    client = Client(enforce_csrf_checks=True)

    body = {"name": "A", "value": "1"}
    made = client.post(URL, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"})

    assert made.status_code == 201


def test_an_inactive_person_is_401(alice: User, sign_in: SignIn) -> None:
    client = sign_in(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get(URL).status_code == 401


def test_keys_are_random_and_compared_whole() -> None:
    made = {keys.new_key() for _ in range(100)}

    assert len(made) == 100
    assert all(len(key) == 56 and keys.fits(key, keys.hash_of(key)) for key in made)
    assert not keys.fits("hw_k1_x", "")
