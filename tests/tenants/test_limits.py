"""How much is too much: wrong keys, and busy ones."""

from __future__ import annotations

import socket
from itertools import chain
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from highway_automation.base.clock import lease_now
from highway_automation.base.middleware import ClientAddress, address_of
from tenants_app import throttling
from tenants_app.actions import create_api_key, forget_counts
from tenants_app.models import Tenant, User
from tenants_app.throttling import increment
from tests.tenants.conftest import KeyClient
from tests.together import at_once

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


# Signing in -----------------------------------------------------------------------------------------------------------

LOGIN = "/admin/login/"


def sign_in(client: Client, password: str, **meta: Any) -> Any:
    return client.post(LOGIN, {"username": "bob", "password": password, "next": "/admin/"}, **meta)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def guarded(settings: Any) -> Any:
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 5
    return settings


def test_who_guesses_passwords_is_locked_out(bob: User, guarded: Any) -> None:
    answers = [sign_in(Client(), f"guess {number}") for number in range(6)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429, 429]
    assert "Too many sign-ins from your address failed" in answers[-1].content.decode()
    assert answers[-1]["Retry-After"] == "60"
    assert sign_in(Client(), "correct horse battery").status_code == 429
    assert sign_in(Client(), "correct horse battery", REMOTE_ADDR="192.0.2.9").status_code == 302


def test_guessing_many_names_is_guessing_too(bob: User, guarded: Any) -> None:
    for number in range(5):
        Client().post(LOGIN, {"username": f"user{number}", "password": "x"})

    assert sign_in(Client(), "correct horse battery").status_code == 429


def test_the_default_is_sixty_a_minute() -> None:
    assert settings.AXES_FAILURE_LIMIT == 60
    assert settings.AXES_COOLOFF_TIME.total_seconds() == 60
    assert settings.AXES_LOCKOUT_PARAMETERS == ["ip_address"]


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_nobody_escapes_by_a_header_of_their_own(bob: User, guarded: Any, proxies: int) -> None:
    """The client writes what it likes into X-Forwarded-For; each proxy of ours appends what it saw."""
    guarded.HIGHWAY_PROXIES = proxies
    appended = {0: "", 1: ", 203.0.113.7", 2: ", 203.0.113.7, 10.0.0.2"}[proxies]

    codes = [
        sign_in(Client(), "guess", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}{appended}").status_code
        for number in range(6)
    ]

    assert codes == [200, 200, 200, 200, 429, 429]


def test_behind_a_proxy_one_guesser_does_not_lock_out_all(bob: User, guarded: Any) -> None:
    guarded.HIGHWAY_PROXIES = 1
    for _ in range(5):
        sign_in(Client(), "guess", HTTP_X_FORWARDED_FOR="203.0.113.7")

    assert sign_in(Client(), "correct horse battery", HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 302


@pytest.mark.parametrize(
    ("header", "proxies", "seen"),
    [
        ("203.0.113.7", 0, "127.0.0.1"),
        ("203.0.113.7", 1, "203.0.113.7"),
        ("203.0.113.7:5123", 1, "203.0.113.7"),
        ("[2001:db8::1]:443", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("unknown", 1, "127.0.0.1"),
        ("", 1, "127.0.0.1"),
        ("203.0.113.7", 2, "127.0.0.1"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.2", 2, "203.0.113.7"),
    ],
)
def test_the_address_of_a_client(settings: Any, header: str, proxies: int, seen: str) -> None:
    settings.HIGHWAY_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header})
    ClientAddress(lambda request: HttpResponse())(request)

    assert request.META["REMOTE_ADDR"] == seen


@pytest.mark.parametrize(
    ("address", "counted"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("::ffff:203.0.113.7", "203.0.113.7")],
)
def test_a_network_of_ipv6_counts_as_one(address: str, counted: str) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=address)) == counted


def test_keys_bound_to_an_address_see_through_the_proxy(tenant: Tenant, settings: Any) -> None:
    settings.HIGHWAY_PROXIES = 1
    _, key = create_api_key(tenant, "ci", "viewer", allowed_ips=["203.0.113.0/24"])

    assert get(key, **{"X-Forwarded-For": "203.0.113.7"}).status_code == 200
    assert get(key, **{"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}).status_code == 401


# Where it is counted --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_processes_without_a_shared_cache_count_in_the_database(settings: Any) -> None:
    settings.HIGHWAY_COUNT_IN_DATABASE = True
    ends = int(lease_now().timestamp()) + 60

    def work() -> list[int]:
        return [increment("throttle:x", 60, ends) for _ in range(25)]

    assert sorted(chain(*at_once(*[work] * 4))) == list(range(1, 101))
    assert forget_counts() == 0
    increment("throttle:old", 60, ends - 120)
    assert forget_counts() == 1
    assert increment("throttle:x", 60, ends) == 101


def test_a_dead_cache_refuses_nobody(tenant: Tenant, key_client: KeyClient, settings: Any, free_port: int) -> None:
    client = key_client(tenant, "viewer")
    settings.CACHES = settings.CACHES | {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{free_port}/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    try:
        assert [client.get(URL)["X-RateLimit-Remaining"] for _ in range(3)] == ["5999", "5998", "5997"]
    finally:
        throttling.shared.silent_until = 0.0
        caches["local"].clear()
