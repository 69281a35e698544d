"""Stopping everything: who may, what happens to what runs and to what would start, and how it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from highway_automation.base import clock
from highway_automation.base.errors import Conflict
from runs_app.actions import cancel_stopped, store_definition, submit_run
from runs_app.cause import Cause
from runs_app.engine.process import Process
from runs_app.models import StepRun, WorkflowRun
from schedules_app.actions import create_schedule, fire_due
from schedules_app.models import ScheduleTick
from tenants_app.actions import create_tenant, resume_all, resume_tenant, stop_all, stop_tenant
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow
from tests.tenants.conftest import KeyClient, NewMember, SignIn
from tests.tenants.pages import switch, text
from triggers_app.actions import dispatch_events
from triggers_app.models import TriggerDelivery

STOP = "/admin/tenants_app/tenant/stop/"
API = "/api/v1/admin/stop"
TASK = {"task_id": "say", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "hello"}}
PAUSED = {"scope": "tenant", "tenant-running": "pause", "tenant-reason": "the bill", "tenant-sure": "on"}


def stopped(tenant: Tenant) -> bool:
    tenant.refresh_from_db()
    return not tenant.enabled


# What stopping means --------------------------------------------------------------------------------------------------


def test_nothing_new_starts_and_nothing_vanishes(
    tenant: Tenant, api: APIClient, move_clock: Callable[..., None], drive: Callable[[], int]
) -> None:
    bodies: dict[str, Any] = {
        "templates": {"name": "hello", "workflow_definition": workflow(TASK)},
        "triggers": {"event_type": "x", "template": "hello"},
    }
    for path, body in bodies.items():
        assert api.post(f"/api/v1/{path}", body, format="json").status_code == 201
    create_schedule(tenant, {"cron_expression": "* * * * *", "workflow_definition": workflow(TASK)})
    stop_tenant(tenant, reason="the bill")

    move_clock(minutes=1)
    fire_due()
    sent = api.post("/api/v1/events", {"type": "x", "payload": {}}, format="json")
    dispatch_events()
    asked = api.post("/api/v1/templates/hello/run", {}, format="json")
    posted = api.post("/api/v1/workflows", {"workflow_definition": workflow(TASK), "inputs": {}}, format="json")

    assert sent.status_code in (201, 202)
    assert (asked.status_code, posted.status_code) == (409, 409)
    assert "stopped" in asked.json()["message"]
    [tick] = ScheduleTick.objects.for_tenant(tenant)
    assert (tick.outcome, "stopped" in tick.reason) == ("missed", True)
    [delivery] = TriggerDelivery.objects.for_tenant(tenant)
    assert (delivery.outcome, "stopped" in delivery.error) == ("failed", True)
    assert not WorkflowRun.objects.for_tenant(tenant).exists()


def test_what_was_submitted_waits(
    tenant: Tenant, other_tenant: Tenant, start: Callable[..., WorkflowRun], drive: Callable[[], int]
) -> None:
    run = start(workflow(TASK))
    stop_tenant(tenant)
    assert drive() == 0

    resume_tenant(tenant)
    assert drive() == 1
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_repeated_key_still_answers_its_run(tenant: Tenant) -> None:
    definition, _ = store_definition(tenant, workflow(TASK))
    how: dict[str, Any] = {"definition": definition, "inputs": {}, "cause": Cause("api"), "idempotency_key": "once"}
    first, _ = submit_run(**how)
    stop_tenant(tenant)
    definition.tenant.refresh_from_db()

    assert submit_run(**how) == (first, False)
    with pytest.raises(Conflict, match="stopped"):
        submit_run(**how | {"idempotency_key": "another"})


@pytest.mark.django_db(transaction=True)
def test_a_running_chain_pauses_at_its_next_step(
    tenant: Tenant, start: Callable[..., WorkflowRun], tmp_path: Path
) -> None:
    gate, marks = tmp_path / "gate", tmp_path / "marks"
    wait = f"echo one >> {marks}; while [ ! -e {gate} ]; do sleep 0.05; done"
    run = start(workflow(shell("one", wait), shell("two", f"echo two >> {marks}", "one")))
    process = Process(2)
    try:
        process.wake()
        until(lambda: marks.exists())
        stop_tenant(tenant)
        until(lambda: any(drive.held for drive in process.active.values()))
        gate.touch()
        until(lambda: not process.active)
        assert marks.read_text() == "one\n"
        steps = StepRun.objects.for_tenant(tenant)
        assert steps.get(path="one").status == "succeeded"

        resume_tenant(tenant)
        process.wake()
        until(lambda: WorkflowRun.objects.for_tenant(tenant).get(pk=run.pk).is_final)
        assert marks.read_text() == "one\ntwo\n"
        assert [step.attempt for step in steps.filter(path="two")] == [1]
    finally:
        process.shutdown(1)
        connection.close()


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.02)


def test_cancelling_is_done_by_the_scheduler(
    tenant: Tenant, start: Callable[..., WorkflowRun], superuser: User
) -> None:
    runs = [start(workflow(TASK)) for _ in range(3)]
    stop_tenant(tenant, actor=superuser, reason="bad release", cancel=True)

    assert (cancel_stopped(), cancel_stopped()) == (3, 0)

    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.error) == ("cancelled", "Cancelled by root: bad release")
    tenant.refresh_from_db()
    assert tenant.cancel_before is None
    assert stopped(tenant)


def test_resuming_ends_the_cancelling(tenant: Tenant, start: Callable[..., WorkflowRun]) -> None:
    start(workflow(TASK))
    stop_tenant(tenant)
    stop_tenant(tenant, cancel=True)  # a pause turned out not to be enough
    resume_tenant(tenant)

    assert cancel_stopped() == 0


def test_the_whole_installation_and_a_tenant_are_two_switches(tenant: Tenant, other_tenant: Tenant) -> None:
    stop_tenant(tenant)
    stop_all(reason="disk full")
    with pytest.raises(Conflict):
        stop_all()
    assert stopped(tenant)
    assert stopped(other_tenant)
    assert stopped(create_tenant("born-meanwhile"))
    with pytest.raises(Conflict, match="whole installation"):
        resume_tenant(other_tenant)

    resume_all()
    with pytest.raises(Conflict):
        resume_all()
    assert (stopped(tenant), stopped(other_tenant)) == (True, False)
    assert not stopped(Tenant.objects.get(pk="born-meanwhile"))
    resume_tenant(tenant)
    with pytest.raises(Conflict):
        resume_tenant(tenant)
    assert not stopped(tenant)


def test_stopping_all_cancels_everywhere(
    tenant: Tenant, other_tenant: Tenant, start: Callable[..., WorkflowRun]
) -> None:
    run = start(workflow(TASK))
    stop_all(cancel=True)

    assert cancel_stopped() == 1
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_who_stopped_it_first_stays_named(tenant: Tenant, superuser: User) -> None:
    stop_tenant(tenant, actor=superuser, reason="first")
    at = tenant.stopped_at
    stop_tenant(tenant, cancel=True)

    tenant.refresh_from_db()
    assert (tenant.stopped_by, tenant.stop_reason, tenant.stopped_at) == (superuser, "first", at)
    assert at is not None
    assert at <= clock.now()


# Doors ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "allowed"), [("viewer", False), ("operator", False), ("editor", True), ("admin", True)]
)
def test_the_page_is_for_editors_and_admins(
    tenant: Tenant, other_tenant: Tenant, new_member: NewMember, sign_in: SignIn, role: str, allowed: bool
) -> None:
    client = sign_in(new_member("carol", tenant, role))

    assert client.get(STOP).status_code == (200 if allowed else 403)
    assert (STOP in text(client.get("/admin/"))) == allowed
    assert client.post(STOP, PAUSED).status_code == (302 if allowed else 403)
    assert stopped(tenant) == allowed
    assert client.post(STOP, {"scope": "all", "all-running": "pause", "all-sure": "on"}).status_code == 403
    assert not stopped(other_tenant)


def test_every_page_says_that_it_is_stopped(
    alice: User, bob: User, mallory: User, tenant: Tenant, sign_in: SignIn
) -> None:
    client = sign_in(alice)
    client.post(STOP, PAUSED)

    for page in ("/admin/", "/admin/runs_app/workflowrun/", STOP, "/admin/tenants_app/membership/add/"):
        assert "Acme is stopped: nothing new starts (the bill)." in text(client.get(page)), page
    seen_by_bob = text(sign_in(bob).get("/admin/"))
    assert "Acme is stopped" in seen_by_bob
    assert STOP not in seen_by_bob
    assert "stopped-banner" not in text(sign_in(mallory).get("/admin/"))
    client.post(STOP, {"scope": "tenant", "resume": "1"})
    assert "stopped-banner" not in text(client.get("/admin/"))
    assert not stopped(tenant)


def test_stopping_wants_to_be_meant(alice: User, tenant: Tenant, sign_in: SignIn) -> None:
    page = sign_in(alice).post(STOP, {"scope": "tenant", "tenant-running": "pause"})

    assert page.status_code == 200
    assert not stopped(tenant)


def test_a_form_of_another_site_stops_nothing(alice: User, tenant: Tenant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(STOP, PAUSED).status_code == 403
    assert client.get(f"{STOP}?scope=tenant&tenant-sure=on&tenant-running=pause").status_code == 200
    assert not stopped(tenant)


def test_a_superuser_stops_everything(superuser: User, tenant: Tenant, other_tenant: Tenant, sign_in: SignIn) -> None:
    client = sign_in(superuser)
    switch(client, "*")
    asked = {"scope": "all", "all-running": "cancel", "all-reason": "<b>fire</b>", "all-sure": "on"}
    page = client.post(STOP, asked, follow=True)

    assert "Everything is stopped, in every tenant (&lt;b&gt;fire&lt;/b&gt;)." in text(page)
    assert stopped(tenant)
    assert stopped(other_tenant)
    client.post(STOP, {"scope": "all", "resume": "1"})
    assert not stopped(tenant)


@pytest.mark.parametrize(("role", "code"), [("viewer", 403), ("operator", 403), ("editor", 200), ("admin", 200)])
def test_the_api_stops_and_resumes(tenant: Tenant, key_client: KeyClient, role: str, code: int) -> None:
    client = key_client(tenant, role)
    answer = client.post(API, {"reason": "x", "running": "cancel"}, format="json")

    assert answer.status_code == code
    assert client.get(API).json()["stopped"] == (code == 200)
    if code == 200:
        told = {key: answer.json()[key] for key in ("stopped", "scope", "reason", "cancelling")}
        assert told == {"stopped": True, "scope": "tenant", "reason": "x", "cancelling": True}
        assert client.post(API, {}, format="json").status_code == 409
        assert client.post("/api/v1/admin/resume", {}, format="json").json()["stopped"] is False
    assert client.post("/api/v1/admin/resume", {}, format="json").status_code == (409 if code == 200 else 403)


def test_the_api_tells_of_the_whole_installation(api: APIClient, foreign_api: APIClient) -> None:
    stop_all(reason="disk full")

    assert (api.get(API).json()["scope"], api.get(API).json()["reason"]) == ("installation", "disk full")
    assert foreign_api.post("/api/v1/admin/resume", {}, format="json").status_code == 409
    assert api.post(API, {"running": "explode"}, format="json").status_code == 422
    assert api.post(API, {"why": "x"}, format="json").status_code == 422


def test_the_commands(tenant: Tenant, other_tenant: Tenant) -> None:
    def command(*words: str) -> str:
        out = StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    assert "Stopped: acme" in command("stop_everything", "--tenant", "acme", "--reason", "x")
    assert (stopped(tenant), stopped(other_tenant)) == (True, False)
    assert "Goes on: acme" in command("resume_everything", "--tenant", "acme")
    assert "Stopped: everything" in command("stop_everything", "--cancel")
    assert (stopped(tenant), stopped(other_tenant)) == (True, True)
    command("resume_everything")
    assert (stopped(tenant), stopped(other_tenant)) == (False, False)
    with pytest.raises(CommandError, match="not stopped"):
        command("resume_everything")
    with pytest.raises(CommandError, match="no tenant 'nowhere'"):
        command("stop_everything", "--tenant", "nowhere")
