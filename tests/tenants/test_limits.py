"""How much is too much: wrong keys, and busy ones."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants_app.actions import create_api_key
from tenants_app.models import Tenant
from tests.tenants.conftest import KeyClient

URL = "/api/v1/variables"


def get(key: str | None = None, url: str = URL, **headers: str) -> Any:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return APIClient().get(url, headers=headers)


def test_the_sixty_first_wrong_key_of_a_minute_is_429(tenant: Tenant) -> None:
    _, key = create_api_key(tenant, "ci", "viewer")

    codes = [get("hw_k1_wrong").status_code for _ in range(62)]

    # A minute may end in between, and begin the count anew.
    assert codes[:30] == [401] * 30
    assert set(codes) <= {401, 429}
    assert get(key).status_code == 200


def test_limits_are_told_in_headers(tenant: Tenant, key_client: KeyClient) -> None:
    answer = key_client(tenant, "viewer").get(URL)

    assert answer["X-RateLimit-Limit"] == "6000"
    assert answer["X-RateLimit-Remaining"] == "5999"
    assert int(answer["X-RateLimit-Reset"]) > 0


def test_a_busy_key_is_429(tenant: Tenant, key_client: KeyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.settings import api_settings

    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "key", "2/day")
    busy, idle = key_client(tenant, "viewer"), key_client(tenant, "viewer")

    answers = [busy.get(URL) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "RATE_LIMITED"
    assert int(answers[2]["Retry-After"]) > 0
    assert answers[2]["X-RateLimit-Remaining"] == "0"
    assert idle.get(URL).status_code == 200
