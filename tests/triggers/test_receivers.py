from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runs_app.actions import cancel_run
from runs_app.models import WorkflowRun
from runs_app.signals import run_finished
from tenants_app.actions import add_member, create_user, remove_member
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow
from tests.triggers.conftest import LOGGING, MakeTrigger, runs
from triggers_app.actions import dispatch_events
from triggers_app.models import Event

Run = Callable[..., WorkflowRun]


def events(tenant: Tenant) -> list[Event]:
    return list(Event.objects.for_tenant(tenant).order_by("event_id"))


def test_a_new_member_is_a_user_created_event(tenant: Tenant) -> None:
    user = create_user(email="ada@example.com", tenant=tenant, role="editor", first_name="Ada", last_name="Lovelace")

    (event,) = events(tenant)
    assert (event.type, event.source, event.external_id) == ("user_created", "highway", f"user:{user.pk}")
    assert (
        event.payload.items()
        >= {
            "user_id": user.pk,
            "username": user.username,
            "email": "ada@example.com",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "role": "editor",
            "tenant_id": "acme",
        }.items()
    )


def test_a_user_is_created_once_per_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    user = create_user(email="ada@example.com", tenant=tenant)
    remove_member(user.memberships.get(tenant=tenant))
    add_member(user, tenant)
    add_member(user, other_tenant)

    assert [event.type for event in events(tenant)] == ["user_created"]
    assert [event.type for event in events(other_tenant)] == ["user_created"]


def test_no_password_is_told(tenant: Tenant) -> None:
    user = create_user(email="ada@example.com", tenant=tenant, password="correct horse battery")
    assert user.password
    assert user.password not in str(events(tenant)[0].payload)
    assert "password" not in events(tenant)[0].payload


def test_a_membership_that_is_undone_was_no_event(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="weak|common|short|password"):
        create_user(email="ada@example.com", tenant=tenant, password="a")
    assert not events(tenant)
    assert not User.objects.exists()


def test_the_input_of_the_welcome_run_is_the_user(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(event_type="user_created")
    create_user(email="ada@example.com", tenant=tenant)
    dispatch_events()

    assert runs(tenant)[0].inputs["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("command", "event_type", "status"),
    [("echo hello", "workflow_completed", "completed"), ("exit 3", "workflow_failed", "failed")],
)
def test_a_finished_run_is_an_event(tenant: Tenant, run: Run, command: str, event_type: str, status: str) -> None:
    finished = run(workflow(shell("only", command), name="nightly"), {"secret": "no"})

    (event,) = events(tenant)
    assert (event.type, event.subject, event.depth) == (event_type, str(finished.pk), 0)
    assert (event.causation_run_id, event.causation_event_id) == (finished.pk, None)
    payload = event.payload
    assert (payload["workflow_run_id"], payload["workflow_name"]) == (str(finished.pk), "nightly")
    assert payload["status"] == status
    assert payload["cause"] == {"kind": "command", "id": ""}
    assert payload["error"] == finished.error
    assert payload["finished_at"] is not None
    assert "inputs" not in payload


def test_a_cancelled_run_is_an_event(tenant: Tenant, start: Run) -> None:
    cancel_run(start(LOGGING), actor=None)
    assert [event.type for event in events(tenant)] == ["workflow_cancelled"]


def test_a_large_result_is_left_out(tenant: Tenant, run: Run) -> None:
    run(workflow(shell("big", "head -c 30000 /dev/zero | tr '\\0' x")))

    payload: dict[str, Any] = events(tenant)[0].payload
    assert (payload["result"], payload["result_truncated"]) == (None, True)


def test_a_result_too_deep_for_a_payload_does_not_keep_a_run_from_ending(tenant: Tenant, start: Run) -> None:
    finished = start(LOGGING)
    for _ in range(64):
        finished.result = {"deeper": finished.result}
    run_finished.send(WorkflowRun, run=finished)

    assert events(tenant)[0].payload["result_truncated"] is True


def test_a_failed_run_starts_the_alert_of_its_name_only(
    tenant: Tenant, make_trigger: MakeTrigger, run: Run, drive: Callable[[], int]
) -> None:
    make_trigger(
        event_type="workflow_failed",
        filter_expression={"workflow_name": "critical_*"},
        input_mapping={"text": "${event.payload.workflow_name} failed: ${error}"},
    )
    run(workflow(shell("only", "exit 3"), name="harmless"))
    failed = run(workflow(shell("only", "exit 3"), name="critical_backup"))
    dispatch_events()
    drive()

    (alert,) = (row for row in runs(tenant) if row.cause_kind == "trigger")
    assert alert.inputs == {"text": f"critical_backup failed: {failed.error}"}
    assert alert.status == "completed"
