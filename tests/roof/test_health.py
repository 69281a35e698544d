from __future__ import annotations

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django.test import Client

from highway_automation import __version__
from runs_app.actions.workers import heartbeat

HEALTH = ["/health", "/health/", "/api/v1/health", "/api/v1/health/"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", HEALTH)
def test_all_parts_alive_is_healthy(client: Client, path: str) -> None:
    heartbeat("w", kind="worker", capacity=4)
    heartbeat("s", kind="scheduler")
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "data": {
            "status": "healthy",
            "version": __version__,
            "checks": {
                "database": {"status": "healthy"},
                "scheduler": {"status": "healthy", "alive": 1},
                "workers": {"status": "healthy", "alive": 1},
                "broker": {"status": "healthy", "transport": "memory"},
            },
        },
    }


@pytest.mark.django_db
def test_without_workers_it_accepts_work_but_is_degraded(client: Client) -> None:
    heartbeat("s", kind="scheduler")
    answer = client.get("/health")

    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "degraded")
    assert answer.json()["data"]["checks"]["workers"] == {"status": "degraded", "alive": 0}


@pytest.mark.django_db
def test_without_a_broker_it_is_degraded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat("w", kind="worker")
    heartbeat("s", kind="scheduler")
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    answer = client.get("/health").json()["data"]

    assert (answer["status"], answer["checks"]["broker"]["status"]) == ("degraded", "degraded")


def test_without_a_database_it_is_unhealthy(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("could not connect to secret-host")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json()["data"]["status"] == "unhealthy"
    assert answer.json()["data"]["checks"]["database"] == {"status": "unhealthy", "message": "OperationalError"}


@pytest.mark.parametrize(
    ("path", "data"),
    [("/ping", "pong"), ("/version", {"version": __version__}), ("/api/v1/version/", {"version": __version__})],
)
def test_ping_and_version_ask_nothing_else(client: Client, path: str, data: object) -> None:
    assert client.get(path).json() == {"status": "success", "data": data}


@pytest.mark.django_db
def test_health_only_reads(client: Client) -> None:
    assert client.post("/health").status_code == 405
