from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due, run_now
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from tenants_app.models import Tenant, User
from tests.conftest import client_with_key
from tests.schedules.conftest import DEFINITION

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db
URL = "/api/v1/schedules"
BODY: dict[str, Any] = {"name": "nightly", "cron_expression": "0 3 * * *", "workflow_definition": DEFINITION}


def post(api: APIClient, url: str, body: Any = None) -> Any:
    return api.post(url, body, format="json")


def fields_of(answer: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_schedule_lives_through_the_api(api: APIClient, at: At, slash: str) -> None:
    at("2026-11-23T10:00:30")

    created = post(api, f"{URL}{slash}", BODY)
    assert created.status_code == 201, created.json()
    one = f"{URL}/{created.json()['schedule_id']}{slash}"
    assert created.json()["next_run_at"] == "2026-11-24T03:00:00Z"
    assert created.json()["description"] == "At 03:00 (UTC)"

    listed = api.get(f"{URL}{slash}").json()
    assert (listed["total"], listed["schedules"][0]["name"]) == (1, "nightly")
    assert api.get(one).json()["cron_expression"] == "0 3 * * *"

    changed = api.put(one, {**BODY, "cron_expression": "0 5 * * 0"}, format="json")
    assert (changed.status_code, changed.json()["next_run_at"]) == (200, "2026-11-29T05:00:00Z")
    patched = api.patch(one, {"timezone": "Europe/Berlin"}, format="json")
    assert (patched.status_code, patched.json()["next_run_at"]) == (200, "2026-11-29T04:00:00Z")

    paused = post(api, f"{one.rstrip('/')}/pause{slash}", {"note": "until the move is done"})
    assert (paused.status_code, paused.json()["enabled"], paused.json()["next_run_at"]) == (200, False, None)
    assert paused.json()["pause_note"] == "until the move is done"
    assert post(api, f"{one.rstrip('/')}/pause{slash}").status_code == 200
    resumed = post(api, f"{one.rstrip('/')}/resume{slash}")
    assert (resumed.status_code, resumed.json()["enabled"]) == (200, True)
    assert post(api, f"{one.rstrip('/')}/resume{slash}").status_code == 200

    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


def test_what_was_read_can_be_sent_back(api: APIClient) -> None:
    created = post(api, URL, BODY).json()
    answer = api.put(f"{URL}/{created['schedule_id']}", {**created, "cron_expression": "0 4 * * *"}, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["cron_expression"] == answer.json()["schedule_cron"] == "0 4 * * *"


def test_highways_words_are_understood_and_repeated(api: APIClient, tenant: Tenant) -> None:
    answer = post(api, URL, {"workflow_definition": DEFINITION, "schedule_cron": "*/5 * * * *", "is_active": False})
    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["schedule_cron"], body["cron_expression"]) == ("*/5 * * * *", "*/5 * * * *")
    assert (body["is_active"], body["enabled"], body["next_run_at"]) == (False, False, None)
    assert (body["name"], body["workflow_name"]) == ("probe", "probe")

    switched = api.patch(f"{URL}/{body['schedule_id']}", {"is_active": True}, format="json")
    assert switched.json()["enabled"] is True and switched.json()["next_run_at"]
    definition = ScheduledWorkflow.objects.for_tenant(tenant).get().definition
    assert definition
    by_hash = post(api, URL, {"definition_hash": definition.sha256, "schedule_cron": "@daily"})
    by_id = post(api, URL, {"definition_id": str(definition.pk), "schedule_cron": "@daily"})
    assert (by_hash.status_code, by_id.status_code) == (201, 201)
    assert {by_hash.json()["name"], by_id.json()["name"]} == {"probe-2", "probe-3"}


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"cron_expression": "0 0 30 2 *"}, "cron_expression", "never comes"),
        ({"cron_expression": "61 * * * *"}, "cron_expression", "minute: '61'"),
        ({"cron_expression": "* * * *"}, "cron_expression", "five fields"),
        ({"cron_expression": ""}, "cron_expression", "blank"),
        ({"cron_expression": None}, "cron_expression", "null"),
        ({"cron_expression": ["*"]}, "cron_expression", "valid string"),
        ({"cron_expression": "*" * 200}, "cron_expression", "100 characters"),
        ({"timezone": "Mars/Olympus"}, "timezone", "is not a time zone"),
        ({"dst_gap": "jump"}, "dst_gap", "not a valid choice"),
        ({"overlap": "sometimes"}, "overlap", "not a valid choice"),
        ({"inputs": []}, "inputs", "JSON object"),
        ({"inputs": {"a": "${steps.x.output}"}}, "inputs", "does not exist in a schedule"),
        ({"inputs": {"a": "${secrets.KEY}"}}, "inputs", "does not exist in a schedule"),
        ({"template": "no_such", "workflow_definition": None}, "template", "There is no template"),
        ({"template_id": str(uuid4()), "workflow_definition": None}, "template", "There is no template"),
        ({"template": "no_such"}, "workflow_definition", "Name exactly one"),
        ({"definition_hash": "0" * 64}, "definition_hash", "Name exactly one"),
        ({"workflow_name": "no_such", "workflow_definition": None}, "workflow_name", "no template or workflow"),
        ({"template_version": 1}, "template_version", "Only a template has versions"),
        ({"owner": "nobody@example.com"}, "owner", "No member"),
        ({"at": "2030-01-01T09:00"}, "at", "either this or cron_expression"),
        ({"at": "tomorrow", "cron_expression": None}, "at", "'@at' takes a time"),
        ({"cron_expression": "@at 2020-01-01 09:00"}, "cron_expression", "has passed"),
        ({"spread": -1}, "spread", "greater than or equal"),
        ({"workflow_definition": None}, "workflow_definition", "exactly one"),
        ({"workflow_definition": {"name": "x"}}, "workflow_definition", ""),
        ({"definition_id": str(uuid4()), "workflow_definition": None}, "definition_id", "There is no definition"),
        ({"end_at": "2020-01-01T00:00:00Z"}, "end_at", "No time"),
        ({"start_at": "2027-01-02T00:00:00Z", "end_at": "2027-01-01T00:00:00Z"}, "end_at", "before the start"),
        ({"remaining_runs": 0}, "remaining_runs", "at least 1"),
        ({"enabled": "perhaps"}, "enabled", "boolean"),
        ({"colour": "red"}, "colour", "Unknown field"),
        ({"name": "x" * 256}, "name", "255 characters"),
    ],
)
def test_what_is_wrong_is_named(api: APIClient, body: dict[str, Any], field: str, reason: str) -> None:
    answer = post(api, URL, {**BODY, **body})
    assert answer.status_code == 422, answer.json()
    found = {name: text for name, text in fields_of(answer).items() if name.split(".")[0] == field}
    assert found and reason in "; ".join(found.values()), fields_of(answer)
    assert not ScheduledWorkflow.objects.all_tenants().exists()


def test_a_body_that_is_no_object_is_refused(api: APIClient) -> None:
    assert post(api, URL, [1]).status_code in (400, 422)
    assert api.post(URL, "[" * 50_000, content_type="application/json").status_code == 400


def test_two_schedules_of_one_name_are_a_conflict(api: APIClient) -> None:
    assert post(api, URL, BODY).status_code == 201
    assert post(api, URL, BODY).status_code == 409


def test_another_tenants_schedule_is_as_unknown_as_none(api: APIClient, foreign_api: APIClient) -> None:
    ours = post(api, URL, BODY).json()["schedule_id"]
    for named in (ours, uuid4(), "no-uuid"):
        answers = [
            foreign_api.get(f"{URL}/{named}"),
            foreign_api.put(f"{URL}/{named}", BODY, format="json"),
            foreign_api.patch(f"{URL}/{named}", {"enabled": False}, format="json"),
            foreign_api.delete(f"{URL}/{named}"),
            foreign_api.get(f"{URL}/{named}/preview"),
            foreign_api.get(f"{URL}/{named}/history"),
            *(post(foreign_api, f"{URL}/{named}/{verb}", {}) for verb in ("pause", "resume", "run", "skip")),
        ]
        assert {answer.status_code for answer in answers} == {404}
    assert foreign_api.get(URL).json()["total"] == 0
    assert api.get(f"{URL}/{ours}").json()["enabled"] is True


def test_a_definition_of_another_tenant_cannot_be_named(api: APIClient, foreign_api: APIClient) -> None:
    post(api, URL, BODY)
    definition = ScheduledWorkflow.objects.all_tenants().get().definition
    assert definition
    for body in ({"definition_id": str(definition.pk)}, {"definition_hash": definition.sha256}):
        answer = post(foreign_api, URL, {"cron_expression": "@daily", **body})
        assert (answer.status_code, list(fields_of(answer))) == (422, list(body))


@pytest.mark.parametrize(("role", "may_edit", "may_operate"), [("viewer", False, False), ("operator", False, True)])
def test_roles_decide(api: APIClient, tenant: Tenant, role: str, may_edit: bool, may_operate: bool) -> None:
    one = f"{URL}/{post(api, URL, BODY).json()['schedule_id']}"
    asker = client_with_key(tenant, role)
    assert asker.get(one).status_code == asker.get(f"{one}/history").status_code == 200
    assert post(asker, URL, {**BODY, "name": "b"}).status_code == 403
    assert asker.patch(one, {"enabled": False}, format="json").status_code == 403
    assert asker.delete(one).status_code == 403
    assert post(asker, f"{one}/pause").status_code == (200 if may_operate else 403)
    assert post(asker, f"{one}/resume").status_code == (200 if may_operate else 403)
    assert post(asker, f"{one}/skip").status_code == (200 if may_operate else 403)
    assert post(asker, f"{one}/run").status_code == (202 if may_operate else 403)
    assert APIClient().get(URL).status_code == 401


def test_preview_without_saving(api: APIClient, at: At) -> None:
    at("2026-03-28T12:00:00")
    body = {"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin", "count": 2}
    answer = post(api, f"{URL}/preview", body)
    assert answer.status_code == 200, answer.json()
    assert answer.json() == {
        "cron_expression": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "description": "At 02:30 (Europe/Berlin)",
        "delay_seconds": 0,
        "ticks": [
            {
                "at": "2026-03-29T01:00:00Z",
                "local": "2026-03-29T03:00:00+02:00",
                "words": "Sunday 29 March 2026 at 03:00 CEST",
                "note": "clocks go forward: 02:30 does not exist, runs at 03:00",
            },
            {
                "at": "2026-03-30T00:30:00Z",
                "local": "2026-03-30T02:30:00+02:00",
                "words": "Monday 30 March 2026 at 02:30 CEST",
                "note": "",
            },
        ],
    }
    assert not ScheduledWorkflow.objects.all_tenants().exists()
    refused = post(api, f"{URL}/preview", {"cron_expression": "0 0 31 2 *"})
    assert (refused.status_code, list(fields_of(refused))) == (422, ["cron_expression"])
    assert post(api, f"{URL}/preview", {**body, "count": 1000}).status_code == 422


def test_preview_of_a_saved_schedule(api: APIClient, at: At) -> None:
    at("2026-11-23T10:00:30")
    one = f"{URL}/{post(api, URL, BODY).json()['schedule_id']}"
    assert len(api.get(f"{one}/preview").json()["ticks"]) == 10
    assert [tick["at"] for tick in api.get(f"{one}/preview?count=1").json()["ticks"]] == ["2026-11-24T03:00:00Z"]
    for bad in ("0", "101", "x", "-1", "٣", "9" * 40):
        assert api.get(f"{one}/preview", {"count": bad}).status_code == 422


def test_history_tells_every_decision(api: APIClient, make: Make, at: At, drive: Callable[[], int]) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    for minute in (1, 2):
        at(f"2026-11-23T10:0{minute}:00")
        fire_due()
    drive()

    body = api.get(f"{URL}/{schedule.pk}/history").json()

    run = WorkflowRun.objects.all_tenants().get()
    assert (body["total"], body["limit"], body["offset"]) == (2, 50, 0)
    assert [row["outcome"] for row in body["executions"]] == ["skipped_overlap", "submitted"]
    assert body["executions"][1]["workflow_run_id"] == body["executions"][1]["run_id"] == str(run.pk)
    assert body["executions"][1]["status"] == "completed" and body["executions"][1]["duration_seconds"] >= 0
    assert body["executions"][0]["status"] == "skipped_overlap" and str(run.pk) in body["executions"][0]["reason"]
    assert len(api.get(f"{URL}/{schedule.pk}/history?limit=1&offset=1").json()["executions"]) == 1
    shown = api.get(f"{URL}/{schedule.pk}").json()
    assert (shown["execution_count"], shown["last_error"]) == (1, "")
    assert ScheduleTick.objects.all_tenants().count() == 2


def test_lists_filter_search_and_order(api: APIClient, make: Make) -> None:
    make(name="b", cron_expression="@daily"), make(name="a", enabled=False)
    assert [row["name"] for row in api.get(f"{URL}?ordering=name").json()["schedules"]] == ["a", "b"]
    assert [row["name"] for row in api.get(f"{URL}?enabled=true").json()["schedules"]] == ["b"]
    assert [row["name"] for row in api.get(f"{URL}?search=daily").json()["schedules"]] == ["b"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"is_active": "false"}, ["paused"]),
        ({"name": "early"}, ["early"]),
        ({"due_before": "2026-11-24T03:00:00Z"}, ["early"]),
        ({"due_after": "2026-11-24T03:00:01Z"}, ["late"]),
        ({"owner": "ALICE@example.com"}, ["late"]),
        ({"overlap": "allow_all"}, ["late"]),
        ({"timezone": "UTC", "ordering": "-next_run_at", "enabled": "true"}, ["late", "early"]),
    ],
)
def test_lists_filter_by_what_is_due_and_whose_it_is(
    api: APIClient, make: Make, at: At, alice: User, query: dict[str, str], names: list[str]
) -> None:
    at("2026-11-23T10:00:30")
    make(name="early", cron_expression="0 3 * * *")
    make(name="late", cron_expression="0 5 * * *", owner=alice, overlap="allow_all")
    make(name="paused", enabled=False)
    assert [row["name"] for row in api.get(URL, query).json()["schedules"]] == names


def test_what_a_list_is_not_asked_for_it_refuses(api: APIClient, make: Make) -> None:
    one = f"{URL}/{make().pk}"
    for path, bad in [
        (URL, {"due_before": "soon"}),
        (URL, {"overlap": "sometimes"}),
        (f"{one}/history", {"page": "2"}),
        (f"{one}/history", {"outcome": "lost"}),
        (f"{one}/history", {"limit": "101"}),
        (f"{one}/history", {"offset": "-1"}),
        (f"{one}/preview", {"limit": "5"}),
    ]:
        answer = api.get(path, bad)
        assert (answer.status_code, list(fields_of(answer))) == (422, list(bad))


def test_lists_cost_the_same_however_long_they_are(api: APIClient, make: Make, at: At, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(owner=alice, overlap="allow_all")

    def queries(path: str) -> int:
        api.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).status_code == 200
        return len(captured)

    paths = [URL, f"{URL}/{schedule.pk}/history", "/api/v1/workflows/schedules"]
    run_now(schedule)
    before = [queries(path) for path in paths]
    for _ in range(6):
        make(owner=alice)
        run_now(schedule)
    assert [queries(path) for path in paths] == before


def test_a_single_time_is_finished_when_it_has_come(api: APIClient, at: At) -> None:
    at("2026-11-23T10:00:30")
    body = {"at": "2026-11-23T11:05", "timezone": "Europe/Berlin", "workflow_definition": DEFINITION, "name": "once"}
    made = post(api, URL, body)
    assert made.status_code == 201, made.json()
    assert made.json()["cron_expression"] == "@at 2026-11-23T11:05"
    assert (made.json()["at"], made.json()["next_run_at"]) == ("2026-11-23T11:05:00+01:00", "2026-11-23T10:05:00Z")
    assert made.json()["description"] == "Once, on Monday 23 November 2026 at 11:05 (Europe/Berlin)"
    one = f"{URL}/{made.json()['schedule_id']}"
    assert api.put(one, made.json(), format="json").status_code == 200

    at("2026-11-23T10:05:00")
    fire_due()
    at("2027-11-23T10:05:00")
    fire_due()

    done = api.get(one).json()
    assert (done["enabled"], done["next_run_at"], done["execution_count"]) == (False, None, 1)
    assert done["pause_note"] == "Ended: no time or no run is left."
    assert [row["outcome"] for row in api.get(f"{one}/history").json()["executions"]] == ["submitted"]
    assert post(api, f"{one}/resume").status_code == 409
    moved = api.patch(one, {"at": "2027-12-01T09:00:00Z", "is_active": True}, format="json")
    assert (moved.status_code, moved.json()["next_run_at"]) == (200, "2027-12-01T09:00:00Z")


def test_the_name_of_a_workflow_means_its_template_or_what_was_submitted_last(api: APIClient) -> None:
    made = post(api, "/api/v1/workflows", {"workflow_definition": DEFINITION, "execute": False})
    assert made.status_code == 201, made.json()
    body = {"workflow_name": "probe", "schedule_cron": "@daily"}
    by_definition = post(api, URL, {**body, "name": "a"})
    assert (by_definition.status_code, by_definition.json()["template"]) == (201, None)
    post(api, "/api/v1/templates", {"name": "probe", "workflow_definition": DEFINITION})
    by_template = post(api, URL, {**body, "name": "b", "version_pin": 1})
    assert (by_template.status_code, by_template.json()["template"]) == (201, "probe")
    assert by_template.json()["version_pin"] == 1


def test_the_owner_is_the_creator_or_who_is_named(api: APIClient, tenant: Tenant, alice: User, bob: User) -> None:
    session = APIClient()
    session.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    made = post(session, URL, BODY).json()
    one = f"{URL}/{made['schedule_id']}"
    assert made["owner"] == "alice@example.com"
    assert api.patch(one, {"owner": "bob"}, format="json").json()["owner"] == "bob@example.com"
    assert api.put(one, {**made, "owner": None}, format="json").json()["owner"] is None
    assert post(api, URL, {**BODY, "name": "by a key"}).json()["owner"] is None


def test_a_member_of_another_tenant_owns_nothing_here(api: APIClient, mallory: User) -> None:
    answer = post(api, URL, {**BODY, "owner": mallory.email})
    assert (answer.status_code, list(fields_of(answer))) == (422, ["owner"])


def test_highways_tools_find_and_cancel_by_name(api: APIClient, foreign_api: APIClient, tenant: Tenant) -> None:
    post(api, URL, {**BODY, "name": "nightly backup"})
    listed = api.get("/api/v1/workflows/schedules").json()
    assert [row["name"] for row in listed["schedules"]] == ["nightly backup"]
    cancel = "/api/v1/workflows/schedules/nightly%20backup/cancel"
    assert post(foreign_api, cancel).status_code == 404
    assert post(client_with_key(tenant, "viewer"), cancel).status_code == 403
    cancelled = post(api, cancel)
    assert (cancelled.status_code, cancelled.json()["enabled"]) == (200, False)
    assert cancelled.json()["pause_note"].startswith("Cancelled by")
    assert api.get("/api/v1/workflows/no-such-run").status_code == 404
