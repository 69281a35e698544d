"""Signals: events for one run, over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from runs_app.models import WorkflowRun
from tenants_app.models import Tenant
from tests.conftest import client_with_key, workflow
from tests.runs.engine.helpers import hear, wait

pytestmark = pytest.mark.django_db
Run = Callable[..., Any]


def send(client: APIClient, run: WorkflowRun, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/workflows/{run.pk}/signals", body, format="json")


def test_a_signal_wakes_its_run_only(api: APIClient, run: Run, drive: Any) -> None:
    runs = [run(workflow(hear("hear", "go"))) for _ in range(2)]
    answer = send(api, runs[0], {"signal_name": "go", "signal_payload": {"n": 1}})
    assert answer.status_code == 202, answer.json()
    told = answer.json()
    assert (told["workflow_run_id"], told["signal_name"], told["signal_payload"]) == (str(runs[0].pk), "go", {"n": 1})
    drive()
    for each in runs:
        each.refresh_from_db()
    assert [each.status for each in runs] == ["completed", "sleeping"]
    assert runs[0].result["hear_heard"]["n"] == 1


def test_a_signal_before_the_step_is_kept_and_the_first_payload_stays(
    api: APIClient, run: Run, drive: Any, move_clock: Any
) -> None:
    hearer = run(workflow(wait("nap", "PT1H"), hear("hear", "go", "nap")))
    assert send(api, hearer, {"signal_name": "go", "signal_payload": {"n": 1}}).status_code == 202
    again = send(api, hearer, {"signal_name": "go", "signal_payload": {"n": 2}})
    assert (again.status_code, again.json()["signal_payload"]) == (200, {"n": 1})
    listed = api.get(f"/api/v1/workflows/{hearer.pk}/signals").json()
    assert (listed["total"], listed["signals"][0]["signal_name"]) == (1, "go")
    move_clock(hours=2)
    drive()
    hearer.refresh_from_db()
    assert hearer.result["hear_heard"]["n"] == 1


def test_who_may_not_send_and_what_is_no_signal(
    api: APIClient, foreign_api: APIClient, run: Run, drive: Any, tenant: Tenant
) -> None:
    hearer = run(workflow(hear("hear", "go")))
    assert send(foreign_api, hearer, {"signal_name": "go"}).status_code == 404
    assert send(client_with_key(tenant, "viewer"), hearer, {"signal_name": "go"}).status_code == 403
    for body, field in (({}, "signal_name"), ({"signal_name": "x" * 256}, "signal_name"), ({"signal": 1}, "signal")):
        refused = send(api, hearer, body)
        assert (refused.status_code, field in str(refused.json())) == (422, True), refused.json()
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "sleeping"
    assert api.post(f"/api/v1/workflows/{hearer.pk}/cancel").status_code == 200
    assert send(api, hearer, {"signal_name": "go"}).status_code == 409


def test_pages_and_answers_say_what_a_step_waits_for(api: APIClient, run: Run, admin_client: Client) -> None:
    hearer = run(workflow(hear("hear", "go", timeout_seconds=86400)))
    waiting = api.get(f"/api/v1/workflows/{hearer.pk}/steps").json()["steps"][0]["waiting"]
    assert (waiting["what"], waiting["until"] is not None) == ("event go", True)
    page = admin_client.get(f"/admin/runs_app/workflowrun/{hearer.pk}/live/").content.decode()
    assert "waiting for event go until" in page
