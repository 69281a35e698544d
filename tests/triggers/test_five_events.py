"""The five events of the product, each caused through a public door, seen once, by the right tenant alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.models import APIKey, Tenant, User
from tests.conftest import shell, workflow
from tests.triggers.conftest import MakeTemplate, MakeTrigger, runs
from triggers_app.actions import dispatch_events, sweep
from triggers_app.catalogue import PAYLOADS

PASSWORD = "correct horse 99 battery"
ASKING = {
    "task_id": "ask",
    "operator_type": "task",
    "function": "tools.approval.request",
    "kwargs": {"approval_key": "deploy-42", "title": "Deploy?", "description": "To production", "approvers": ["admin"]},
    "dependencies": [],
}


class Doors:
    """Acme's admin, in a browser and with a key, and the worker that does what they start."""

    def __init__(self, browser: Client, api: APIClient, drive: Callable[[], int], make_template: MakeTemplate) -> None:
        self.browser, self.api, self.drive, self.make_template = browser, api, drive, make_template

    def run(self, name: str, task: dict[str, Any]) -> None:
        self.make_template(name, workflow_definition=workflow(task, name=name))
        assert self.api.post(f"/api/v1/templates/{name}/run", {"inputs": {}}, format="json").status_code == 202
        self.drive()

    def add_user_by_admin(self) -> None:
        asked = {"email": "ada@example.com", "tenant": "acme", "role": "editor", "password": PASSWORD}
        assert self.browser.post("/admin/tenants_app/user/add/", asked).status_code == 302

    def add_user_by_api(self) -> None:
        asked = {"email": "ada@example.com", "role": "editor"}
        assert self.api.post("/api/v1/memberships", asked, format="json").status_code == 201

    def complete(self) -> None:
        self.run("nightly", shell("only", "echo done"))

    def fail(self) -> None:
        self.run("nightly", shell("only", "exit 3"))

    def ask(self) -> None:
        self.run("nightly", ASKING)
        self.drive()

    def create_key_by_api(self) -> None:
        asked = {"name": "ci", "role": "operator"}
        assert self.api.post("/api/v1/admin/api-keys", asked, format="json").status_code == 201

    def create_key_by_admin(self) -> None:
        asked = {"name": "ci", "role": "operator", "allowed_ips": "[]"}
        assert self.browser.post("/admin/tenants_app/apikey/add/", asked).status_code == 200

    def rotate_key(self) -> None:
        first = APIKey.objects.for_tenant("acme").get()
        assert self.api.post(f"/api/v1/admin/api-keys/{first.pk}/rotate", {}, format="json").status_code == 200


@pytest.fixture
def doors(alice: User, api: APIClient, drive: Callable[[], int], make_template: MakeTemplate) -> Doors:
    browser = Client()
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    return Doors(browser, api, drive, make_template)


NIGHTLY = {"workflow_name": "nightly"}
ASKED = {"approval_key": "deploy-42", "title": "Deploy?", "description": "To production", "approvers": ["admin"]}


@pytest.mark.parametrize(
    ("cause", "event_type", "says"),
    [
        (Doors.add_user_by_admin, "user_created", {"email": "ada@example.com", "role": "editor"}),
        (Doors.add_user_by_api, "user_created", {"email": "ada@example.com", "role": "editor"}),
        (Doors.complete, "workflow_completed", {**NIGHTLY, "status": "completed"}),
        (Doors.fail, "workflow_failed", {**NIGHTLY, "status": "failed"}),
        (Doors.ask, "approval_pending", {**NIGHTLY, **ASKED, "required": 1, "expires_at": None}),
        (Doors.create_key_by_api, "api_key_created", {"name": "ci", "role": "operator", "created_by": None}),
        (Doors.create_key_by_admin, "api_key_created", {"name": "ci", "created_by": "alice@example.com"}),
        (Doors.rotate_key, "api_key_created", {"name": "admin key", "role": "admin"}),
    ],
)
def test_it_is_seen_once_and_starts_its_trigger_in_its_tenant_alone(
    doors: Doors,
    foreign_api: APIClient,
    tenant: Tenant,
    other_tenant: Tenant,
    make_trigger: MakeTrigger,
    cause: Callable[[Doors], None],
    event_type: str,
    says: dict[str, Any],
) -> None:
    trigger = make_trigger(event_type=event_type)
    make_trigger(event_type=event_type, of=other_tenant)
    here, there = ids(doors.api, event_type), ids(foreign_api, event_type)

    cause(doors)
    dispatch_events()
    dispatch_events()

    (new,) = ids(doors.api, event_type) - here
    event = doors.api.get(f"/api/v1/events/{new}").json()
    assert event["payload"].items() >= says.items()
    assert event["payload"].keys() == PAYLOADS[event_type]
    assert event["source"] == "highway"
    assert [(it["outcome"], it["trigger_id"]) for it in event["deliveries"]] == [("submitted", str(trigger.pk))]
    assert [run.cause_id for run in runs(tenant) if run.cause_kind == "trigger"] == [str(trigger.pk)]
    assert ids(foreign_api, event_type) == there
    assert not runs(other_tenant)
    assert not sweep()


def ids(api: APIClient, event_type: str) -> set[str]:
    return {event["event_id"] for event in api.get("/api/v1/events", {"type": event_type}).json()["events"]}


def test_neither_the_key_nor_its_hash_is_told(doors: Doors, tenant: Tenant) -> None:
    answer = doors.api.post("/api/v1/admin/api-keys", {"name": "ci", "role": "viewer"}, format="json").json()
    row = APIKey.objects.for_tenant(tenant).get(pk=answer["api_key_id"])
    told = doors.api.get("/api/v1/events", {"type": "api_key_created"}).content.decode()

    assert row.prefix in told
    assert answer["api_key"] not in told
    assert row.key_hash not in told


def test_a_key_that_is_refused_was_no_event(doors: Doors) -> None:
    before = ids(doors.api, "api_key_created")
    answer = doors.api.post("/api/v1/admin/api-keys", {"name": "ci", "role": "king"}, format="json")
    assert answer.status_code == 422
    assert ids(doors.api, "api_key_created") == before
