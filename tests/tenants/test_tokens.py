"""The token with which a running step reads its own tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.signals import request_started
from rest_framework.test import APIClient

from runs_app.models import StepRun, WorkflowRun
from tenants_app import tokens
from tenants_app.models import Tenant
from tests.conftest import workflow

URL = "/api/v1/variables"


def get(key: str | None = None, url: str = URL, **headers: str) -> Any:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return APIClient().get(url, headers=headers)


@pytest.fixture
def running() -> Iterator[set[tuple[str, UUID, str]]]:
    """The steps that run now, as the room that runs them would say."""
    steps: set[tuple[str, UUID, str]] = set()

    def says(tenant_id: str, run_id: UUID, step_key: str) -> bool:
        return (tenant_id, run_id, step_key) in steps

    others = list(tokens._validators)
    tokens._validators[:] = [says]
    yield steps
    tokens._validators[:] = others


def test_a_running_step_reads_its_tenant(tenant: Tenant, running: set[tuple[str, UUID, str]]) -> None:
    run_id = uuid4()
    running.add(("acme", run_id, "run:check"))
    token = tokens.issue("acme", run_id, "run:check", 60)

    assert get(token).status_code == 200
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.post(URL, {"name": "A", "value": "1"}, format="json").status_code == 403

    running.clear()
    assert get(token).status_code == 401


def test_a_token_speaks_for_its_own_step_only(
    tenant: Tenant, other_tenant: Tenant, running: set[tuple[str, UUID, str]]
) -> None:
    run_id = uuid4()
    running.add(("acme", run_id, "run:check"))

    assert get(tokens.issue("globex", run_id, "run:check")).status_code == 401
    assert get(tokens.issue("acme", uuid4(), "run:check")).status_code == 401
    assert get(tokens.issue("acme", run_id, "run:other")).status_code == 401
    assert get(tokens.issue("acme", run_id, "run:check") + "x").status_code == 401
    assert get(tokens.issue("acme", run_id, "run:check", -1)).status_code == 401
    own = tokens.issue("acme", run_id, "run:check")
    assert get(own, **{"X-Tenant": "globex"}).status_code == 403


def test_without_a_validator_no_token_is_valid(tenant: Tenant, running: set[tuple[str, UUID, str]]) -> None:
    tokens._validators.clear()

    assert get(tokens.issue("acme", uuid4(), "run:check")).status_code == 401


def test_moving_the_business_clock_ends_no_token(
    tenant: Tenant, running: set[tuple[str, UUID, str]], move_clock: Callable[..., None]
) -> None:
    run_id = uuid4()
    running.add(("acme", run_id, "s"))
    token = tokens.issue("acme", run_id, "s", 60)

    move_clock(days=2)

    assert get(token).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_steps_own_token_ends_with_the_step(
    tenant: Tenant, run: Callable[..., WorkflowRun], live_server: Any, settings: Any
) -> None:
    """As it happens: a step asks the API of the running product; what it showed there is worth nothing afterwards."""
    settings.HIGHWAY_BASE_URL = live_server.url
    tenant.http_allow = [live_server.url.removeprefix("http://")]
    tenant.save()
    shown: list[str] = []

    def look(sender: Any, environ: dict[str, Any], **more: Any) -> None:
        shown.append(environ.get("HTTP_AUTHORIZATION", ""))

    ask: dict[str, Any] = {"task_id": "ask", "operator_type": "task", "function": "tools.http.request"}
    ask["kwargs"] = {"url": f"{live_server.url}{URL}", "method": "GET"}
    request_started.connect(look)
    try:
        done = run(workflow(ask))
    finally:
        request_started.disconnect(look)

    output: Any = StepRun.objects.for_tenant(tenant).get(run=done).output
    assert (done.status, output["status_code"]) == ("completed", 200), (done.error, output)
    [token] = [text.removeprefix("Bearer ") for text in shown]
    assert token.startswith(tokens.BEGINNING)
    assert get(token).status_code == 401
