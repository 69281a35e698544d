"""What every list, submission and answer of the API has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from runs_app.actions.workers import heartbeat
from runs_app.models import WorkflowRun
from tenants_app.actions import add_member
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow

HELLO = workflow(shell("hello", "echo hello"), name="hello")
FAILING = workflow(shell("fail", "echo oops; exit 3", metadata={"retry": False}), name="failing")


@pytest.mark.parametrize("name", ["page", "page_size", "per_page", "limit"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "last", "9" * 30, "٣", "1e3"])
def test_a_page_that_is_no_number_is_refused_by_name(api: APIClient, name: str, value: str) -> None:
    answer = api.get("/api/v1/templates", {name: value})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": name, "message": f"{name} is a number from 1 on."}]


def test_every_answer_tells_what_is_left_of_the_limit(api: APIClient) -> None:
    first, second = (api.get("/api/v1/workers") for _ in range(2))

    assert first["X-RateLimit-Limit"] == "6000"
    assert int(second["X-RateLimit-Remaining"]) == int(first["X-RateLimit-Remaining"]) - 1
    assert int(first["X-RateLimit-Reset"]) % 60 == 0


class TestSessions:
    @pytest.fixture
    def browser(self, alice: User, other_tenant: Tenant) -> Client:
        """Alice, who belongs to both."""
        add_member(alice, other_tenant, "viewer")
        client = Client()
        client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_one_of_several_tenants_must_be_named(self, browser: Client) -> None:
        answer = browser.get("/api/v1/templates")

        assert (answer.status_code, answer.json()["tenants"]) == (400, ["acme", "globex"])

    def test_by_header_or_query(self, browser: Client) -> None:
        made = {"name": "A", "value": "1"}
        create = browser.post("/api/v1/variables?tenant=acme", made, content_type="application/json")
        asked = [
            browser.get("/api/v1/variables", headers={"X-Tenant": "acme"}),
            browser.get("/api/v1/variables?tenant=acme"),
            browser.get("/api/v1/variables?tenant=globex"),
        ]

        assert create.status_code == 201
        assert [answer.json()["total"] for answer in asked] == [1, 1, 0]
        refused = browser.post("/api/v1/variables?tenant=globex", made, content_type="application/json")
        assert refused.status_code == 403  # a viewer there
        for nobodys in ("initech", "\u0000", "a" * 500):
            assert browser.get("/api/v1/variables", {"tenant": nobodys}).status_code in {400, 403}


class TestKeys:
    @pytest.mark.parametrize("kind", ["cron", "event", "parent", "Schedule"])
    def test_a_caller_cannot_take_a_key_of_the_products_own(self, api: APIClient, kind: str) -> None:
        own = f"{kind}:{uuid4()}:2026-11-23T10:00:00+00:00"
        api.post("/api/v1/templates", {"name": "hello", "workflow_definition": HELLO}, format="json")
        for path, body in (("workflows", {"workflow_definition": HELLO}), ("templates/hello/run", {})):
            by_body = api.post(f"/api/v1/{path}", {**body, "idempotency_key": own}, format="json")
            by_header = api.post(f"/api/v1/{path}", body, format="json", headers={"Idempotency-Key": own})
            for answer in (by_body, by_header):
                assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "idempotency_key")
        assert not WorkflowRun.objects.all_tenants().exists()

    @pytest.mark.parametrize("key", ["cron:nightly", "event:42", "order:497a3bd0-e5b5", "stabilize-01M8-01M9"])
    def test_other_keys_are_the_callers(self, api: APIClient, key: str) -> None:
        body = {"workflow_definition": HELLO, "idempotency_key": key}
        first, again = (api.post("/api/v1/workflows", body, format="json") for _ in range(2))

        assert (first.status_code, again.status_code) == (202, 200)
        assert first.json()["workflow_run_id"] == again.json()["workflow_run_id"]


class TestRuns:
    def test_what_failed_is_started_again_from_its_beginning(
        self, api: APIClient, drive: Callable[[], int], tenant: Tenant
    ) -> None:
        body = {"workflow_definition": FAILING, "inputs": {"who": "me"}}
        old = api.post("/api/v1/workflows", body, format="json").json()["workflow_run_id"]
        early = api.post(f"/api/v1/workflows/{old}/retry")
        drive()
        answer = api.post(f"/api/v1/workflows/{old}/retry", headers={"Idempotency-Key": "again"})
        repeated = api.post(f"/api/v1/workflows/{old}/retry", headers={"X-Idempotency-Key": "again"})

        assert (early.status_code, early.json()["code"]) == (409, "INVALID_TRANSITION")
        assert (answer.status_code, repeated.status_code) == (202, 200)
        told = answer.json()
        assert told["new_workflow_run_id"] == repeated.json()["new_workflow_run_id"] != old
        assert told["original_workflow_run_id"] == old
        new = api.get(f"/api/v1/workflows/{told['new_run_id']}").json()
        assert (new["inputs"], new["cause"]) == ({"who": "me"}, {"kind": "api", "id": old})

    def test_steps_and_logs(self, run: Callable[..., WorkflowRun], api: APIClient) -> None:
        done = run(workflow(shell("first", "echo one"), shell("second", "echo two; exit 1", "first")))
        steps = api.get(f"/api/v1/workflows/{done.pk}/steps").json()
        failed = api.get(f"/api/v1/workflows/{done.pk}/steps?status=failed").json()
        logs = api.get(f"/api/v1/workflows/{done.pk}/logs").json()

        assert [step["step_name"] for step in steps["steps"]] == ["first", "second"]
        assert {key: steps[key] for key in ("total_steps", "succeeded", "failed", "sleeping")} == {
            **{"total_steps": 2, "succeeded": 1, "failed": 1, "sleeping": 0}
        }
        assert [(step["path"], step["retry_count"]) for step in failed["steps"]] == [("second", 0)]
        assert failed["steps"][0]["completed_at"] and failed["steps"][0]["duration_seconds"] >= 0
        assert {(log["step_name"], log["text"].strip()) for log in logs["logs"]} == {
            ("first", "one"),
            ("second", "two"),
        }
        assert api.get(f"/api/v1/workflows/{done.pk}/steps?status=done").status_code == 422

    def test_lists_are_narrowed_by_time_and_definition(
        self, run: Callable[..., WorkflowRun], api: APIClient, move_clock: Callable[..., None]
    ) -> None:
        old = run(HELLO)
        move_clock(days=3)
        new = run(workflow(shell("x", "echo x")))
        ids: dict[str, Any] = {
            "days=2": [str(new.pk)],
            "days=5": [str(new.pk), str(old.pk)],
            f"created_before={new.created_at.isoformat().replace('+', '%2B')}": [str(old.pk)],
            f"definition_id={old.definition_id}": [str(old.pk)],
        }
        for query, expected in ids.items():
            listed = api.get(f"/api/v1/workflows?{query}").json()["workflows"]
            assert [row["workflow_run_id"] for row in listed] == expected, query
        for wrong in ("days=-1", "days=x", "days=nan", "days=1e400", "definition_id=x", "created_after=then"):
            assert api.get(f"/api/v1/workflows?{wrong}").status_code == 422, wrong

    def test_a_definition_is_read_by_id_and_by_hash(self, api: APIClient) -> None:
        made = api.post("/api/v1/workflows", {"workflow_definition": HELLO, "execute": False}, format="json").json()
        by_id = api.get(f"/api/v1/workflows/definitions/{made['definition_id']}").json()
        by_hash = api.get(f"/api/v1/workflows/by-hash/{by_id['definition_hash']}").json()

        assert by_id == by_hash
        assert (by_id["definition_json"], by_id["workflow_name"], by_id["python_dsl"]) == (HELLO, "hello", None)
        listed = api.get("/api/v1/workflows/definitions?name=hello").json()["definitions"]
        assert [row["definition_id"] for row in listed] == [made["definition_id"]]


def test_workers_tell_who_is_silent(api: APIClient, move_clock: Callable[..., None]) -> None:
    heartbeat("w1", kind="worker", busy=1, capacity=4)
    heartbeat("s1", kind="scheduler", lag=0.5)
    listed = api.get("/api/v1/workers").json()

    assert [(row["worker_id"], row["status"]) for row in listed["workers"]] == [("s1", "online"), ("w1", "online")]
    assert [row["worker_id"] for row in api.get("/api/v1/workers?kind=worker").json()["workers"]] == ["w1"]
    assert api.get("/api/v1/workers?status=offline").json()["total"] == 0
    assert api.get("/api/v1/workers?status=asleep").status_code == 422
    assert api.get("/api/v1/workers/w1").json()["capacity"] == 4


@pytest.mark.django_db
class TestHealth:
    @pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*", "nonsense"])
    @pytest.mark.parametrize("path", ["/ping", "/version", "/health", "/api/v1/health", "/api/v1/version"])
    def test_it_answers_whatever_the_asker_accepts(self, client: Client, path: str, accept: str) -> None:
        answer = client.get(path, headers={"Accept": accept})

        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer.json()["status"] == "success"
