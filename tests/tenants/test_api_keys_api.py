"""API keys over the API, in Highway's shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from highway_automation.base.clock import now
from tenants_app.actions import create_api_key
from tenants_app.models import APIKey, Tenant, User
from tenants_app.signals import api_key_created
from tests.tenants.conftest import KeyClient, SignIn

URL = "/api/v1/admin/api-keys"


def test_a_key_is_made_shown_once_and_works(api: APIClient, tenant: Tenant) -> None:
    ends = now() + timedelta(days=30)
    asked = {
        "name": "ci",
        "description": "for the pipeline",
        "permissions": ["view_workflows", "submit_workflows"],
        "expires_at": ends.isoformat(),
        "ip_whitelist": ["127.0.0.1"],
    }

    answer = api.post(URL, asked, format="json")

    assert answer.status_code == 201
    told = answer.json()
    assert told["status"] == "success"
    data = told["data"]
    assert set(data) >= {"api_key_id", "api_key", "key_prefix", "name", "expires_at", "message"}
    assert told["api_key"] == data["api_key"]
    assert (data["role"], data["status"], data["created_by"]) == ("operator", "active", None)
    assert data["allowed_ips"] == ["127.0.0.1"]
    assert APIClient().get("/api/v1/users", headers={"X-API-Key": data["api_key"]}).status_code == 200

    for later in (api.get(URL), api.get(f"{URL}/{data['api_key_id']}")):
        assert data["api_key"] not in later.content.decode()
        assert "key_hash" not in later.content.decode()


def test_keys_are_listed_in_highways_shape(api: APIClient, foreign_api: APIClient, tenant: Tenant) -> None:
    told = api.get(URL + "/").json()

    assert told["status"] == "success"
    assert told["data"]["total"] == 1
    (key,) = told["data"]["api_keys"]
    assert key["rate_limit"] == 6000
    assert key["last_used_at"] is not None
    assert foreign_api.get(f"{URL}/{key['api_key_id']}").status_code == 404
    assert foreign_api.delete(f"{URL}/{key['api_key_id']}").status_code == 404


def test_a_person_is_named_as_its_maker(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    heard: list[Any] = []

    def hear(api_key: APIKey, actor: User | None, **kwargs: Any) -> None:
        heard.append((api_key.name, actor))

    api_key_created.connect(hear)
    try:
        answer = sign_in(alice).post(URL, {"name": "mine"}, content_type="application/json")
    finally:
        api_key_created.disconnect(hear)

    assert answer.json()["data"]["created_by"] == "alice@example.com"
    assert answer.json()["data"]["role"] == "viewer"
    assert heard == [("mine", alice)]


def test_a_key_is_revoked_once(api: APIClient, tenant: Tenant) -> None:
    row, key = create_api_key(tenant, "old", "viewer")
    url = f"{URL}/{row.pk}"

    assert api.delete(url).json()["data"]["status"] == "revoked"
    assert api.delete(url).status_code == 409
    assert api.get(url).json()["data"]["status"] == "revoked"
    assert APIClient().get("/api/v1/users", headers={"X-API-Key": key}).status_code == 401


def test_a_key_is_rotated(api: APIClient, tenant: Tenant) -> None:
    row, _ = create_api_key(tenant, "old", "viewer")

    told = api.post(f"{URL}/{row.pk}/rotate", {"grace_period_hours": 1}, format="json").json()["data"]

    assert told["old_api_key_id"] == str(row.pk)
    assert told["grace_period_hours"] == 1
    assert APIClient().get("/api/v1/users", headers={"X-API-Key": told["new_api_key"]}).status_code == 200
    assert api.post(f"{URL}/{row.pk}/rotate", {"grace_period_hours": 169}, format="json").status_code == 422
    assert api.post(f"{URL}/{row.pk}/rotate").status_code == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "permissions": ["fly_high"]}, "permissions"),
        ({"name": "x", "role": "king"}, "role"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "ip_whitelist": ["here"]}, "allowed_ips"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_key_request_is_422(api: APIClient, asked: dict[str, Any], field: str) -> None:
    answer = api.post(URL, asked, format="json")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("role", ["viewer", "operator", "editor"])
def test_only_admins_see_keys(tenant: Tenant, key_client: KeyClient, role: str) -> None:
    client = key_client(tenant, role)

    assert client.get(URL).status_code == 403
    assert client.post(URL, {"name": "x"}, format="json").status_code == 403


def test_a_key_past_its_expiry_opens_nothing(api: APIClient, tenant: Tenant, move_clock: Callable[..., None]) -> None:
    ends = (now() + timedelta(days=1)).isoformat()
    body = {"name": "short", "role": "viewer", "expires_at": ends}
    made = api.post("/api/v1/admin/api-keys", body, format="json").json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made['api_key']}")
    assert client.get("/api/v1/variables").status_code == 200

    move_clock(days=1, seconds=1)

    refused = client.get("/api/v1/variables")
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")
    assert api.get(f"/api/v1/admin/api-keys/{made['api_key_id']}").json()["data"]["status"] == "expired"
