"""Approvals over the API, as Highway's clients and ours use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from runs_app.models import Approval, WorkflowRun
from tenants_app.models import Tenant, User
from tests.conftest import client_with_key, member
from tests.runs.approval_helpers import FORM, approval_of, asking, choosing

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/approvals"
Run = Callable[..., WorkflowRun]


def decide(api: APIClient, key: Any, how: str = "approve", **body: Any) -> Any:
    return api.post(f"{PATH}/{key}/{how}", body, format="json")


@pytest.mark.parametrize(("how", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_highways_clients_find_and_decide_it(
    run: Run, drive: Callable[[], int], api: APIClient, how: str, status: str
) -> None:
    asked = run(choosing(description="Version 7", approval_data={"version": 7}))
    state = api.get(f"/api/v1/workflows/{asked.pk}").json()
    assert (state["status"], state["current_step"]) == ("sleeping", "ask")

    (found,) = api.get(f"{PATH}?workflow_run_id={asked.pk}&status=pending").json()["approvals"]
    assert found["title"] == "Deploy to production?"
    assert (found["description"], found["approval_data"], found["status"]) == ("Version 7", {"version": 7}, "pending")
    answer = decide(api, found["approval_key"], how, comment="Seen.")
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["workflow_run_id"], answer.json()["status"]) == (str(asked.pk), status)
    assert (answer.json()["decided_by"], answer.json()["comment"]) == ("API key admin key", "Seen.")
    drive()
    state = api.get(f"/api/v1/workflows/{asked.pk}").json()
    assert (state["status"], state["result"]["ask"]["status"]) == ("completed", status)


def test_one_is_read_by_key_and_by_id(run: Run, api: APIClient) -> None:
    approval = approval_of(run(asking(approvers=["editor"], required=2, timeout="1h", on_timeout="reject")))
    by_key = api.get(f"{PATH}/{approval.approval_key}")
    assert by_key.status_code == 200 and by_key["ETag"]
    assert api.get(f"{PATH}/{approval.pk}").json() == by_key.json()
    body = by_key.json()
    assert (body["workflow_name"], body["step"]) == ("release", "ask")
    assert (body["approvers"], body["required"], body["on_timeout"]) == (["editor"], 2, "reject")
    assert body["url"].endswith(f"/admin/runs_app/approval/{approval.pk}/change/")
    assert (body["decisions"], body["decided_by"], body["decided_at"]) == ([], "", None)


def test_a_key_means_the_one_that_waits_else_the_newest(run: Run, api: APIClient) -> None:
    first, second = (approval_of(run(asking(approval_key="release"))) for _ in range(2))
    refused = decide(api, "release")
    assert refused.status_code == 409
    assert {row["approval_id"] for row in refused.json()["approvals"]} == {str(first.pk), str(second.pk)}
    assert Approval.objects.for_tenant("acme").pending().count() == 2

    assert decide(api, second.pk).status_code == 200
    assert api.get(f"{PATH}/release").json()["approval_id"] == str(first.pk)
    assert decide(api, "release", "reject").json()["approval_id"] == str(first.pk)
    assert api.get(f"{PATH}/release").json()["approval_id"] == str(second.pk)


def test_it_is_decided_once(run: Run, api: APIClient) -> None:
    key = approval_of(run(asking())).approval_key
    assert decide(api, key).status_code == 200
    again = decide(api, key, "reject")
    assert (again.status_code, again.json()["status_now"]) == (409, "approved")
    assert "approved already" in again.json()["message"]


def test_answers_are_checked(run: Run, drive: Callable[[], int], api: APIClient) -> None:
    asked = run(asking(form_schema=FORM))
    key = approval_of(asked).approval_key
    bodies: list[tuple[dict[str, Any], str]] = [
        ({}, "answers.amount"),
        ({"answers": {"amount": "many"}}, "answers.amount"),
        ({"answers": [1]}, "answers"),
        ({"verdict": True}, "verdict"),
        ({"comment": "x" * 10_001}, "comment"),
    ]
    for body, field in bodies:
        refused = decide(api, key, **body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.json()
    assert decide(api, key, answers={"amount": 3}).json()["answers"] == {"amount": 3, "note": "none"}


def test_bodies_may_be_missing_and_may_not_be_broken(run: Run, api: APIClient) -> None:
    key = approval_of(run(asking())).approval_key
    assert api.post(f"{PATH}/{key}/approve", "{", content_type="application/json").status_code == 400
    assert api.post(f"{PATH}/{key}/approve", "[]", content_type="application/json").status_code == 422
    assert api.post(f"{PATH}/{key}/approve").status_code == 200


def test_only_those_who_may_decide_do(run: Run, tenant: Tenant) -> None:
    approval = approval_of(run(asking(approvers=["oscar@example.com", "editor"])))
    for role, status in [("viewer", 403), ("operator", 403)]:
        refused = decide(client_with_key(tenant, role), approval.pk)
        assert refused.status_code == status, role
    assert "Only oscar@example.com or editor" in refused.json()["message"]
    assert client_with_key(tenant, "viewer").get(f"{PATH}/{approval.pk}").status_code == 200
    assert APIClient().get(PATH).status_code == 401

    person = APIClient()
    person.force_login(member("oscar", tenant, "operator"), backend="django.contrib.auth.backends.ModelBackend")
    answer = decide(person, approval.pk, comment="Mine.")
    assert (answer.status_code, answer.json()["decided_by"]) == (200, "oscar@example.com")
    assert answer.json()["decisions"][0]["comment"] == "Mine."


def test_a_foreign_approval_is_like_none(run: Run, api: APIClient, foreign_api: APIClient) -> None:
    approval = approval_of(run(asking()))
    for key in (approval.approval_key, str(approval.pk)):
        for method, path in (("get", key), ("post", f"{key}/approve"), ("post", f"{key}/reject")):
            foreign = getattr(foreign_api, method)(f"{PATH}/{path}")
            missing = getattr(foreign_api, method)(f"{PATH}/{path.replace(key, 'unused')}")
            assert foreign.status_code == missing.status_code == 404
            assert foreign.json() == missing.json()
    assert foreign_api.get(PATH).json()["total"] == 0
    assert approval_of(approval.run).is_pending


def test_the_list_is_filtered_and_paged(run: Run, api: APIClient, move_clock: Callable[..., None]) -> None:
    old = approval_of(run(asking()))
    move_clock(hours=25)
    new = [approval_of(run(asking())) for _ in range(3)]
    decide(api, new[0].pk)

    def ids(query: str) -> set[str]:
        return {row["approval_id"] for row in api.get(f"{PATH}?{query}").json()["approvals"]}

    for age in ("24h", "1d", "PT24H", "86400", "25 hours"):
        assert ids(f"older_than={age}") == {str(old.pk)}, age
    assert ids("older_than=26h") == set()
    assert ids("status=pending") == {str(row.pk) for row in (old, *new[1:])}
    assert ids("status=pending&older_than=24h") == {str(old.pk)}
    assert ids(f"workflow_run_id={new[1].run_id}") == {str(new[1].pk)}
    assert ids(f"approval_key={old.approval_key}") == {str(old.pk)}
    page = api.get(f"{PATH}?page_size=3&ordering=requested_at").json()
    assert (page["total"], page["page"], page["page_size"], len(page["approvals"])) == (4, 1, 3, 3)
    assert page["approvals"][0]["approval_id"] == str(old.pk)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("older_than=soon", "older_than"),
        ("older_than=-1h", "older_than"),
        ("older_than=200 years", "older_than"),
        ("status=open", "status"),
        ("workflow_run_id=x", "workflow_run_id"),
        ("colour=red", "colour"),
        ("ordering=colour", "ordering"),
    ],
)
def test_what_filters_nothing_is_refused(api: APIClient, query: str, field: str) -> None:
    answer = api.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_the_list_costs_the_same_for_one_and_for_twenty(run: Run, api: APIClient) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{PATH}?status=pending").status_code == 200
        return len(queries)

    run(asking())
    count()
    one = count()
    for _ in range(19):
        run(asking())
    assert count() == one


@pytest.mark.parametrize("key", ["ünder/way?", "a b", "..", "ask%2Fme", "💙" * 60])
def test_strange_keys_are_decided_by_id(run: Run, api: APIClient, key: str) -> None:
    approval = approval_of(run(asking(approval_key=key)))
    assert approval.approval_key == key
    assert decide(api, approval.pk).status_code == 200


def test_the_session_of_a_superuser_decides_in_the_tenant_it_names(run: Run, superuser: User, alice: User) -> None:
    approval = approval_of(run(asking()))
    client = APIClient()
    client.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(f"{PATH}/{approval.pk}/approve?tenant=acme")
    assert (answer.status_code, answer.json()["decided_by"]) == (200, "root@example.com")
