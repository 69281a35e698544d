"""A step that asks people: it waits, is answered once, and goes on with the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.dispatch import receiver

from highway_automation.base.errors import Conflict, Forbidden, Invalid
from runs_app.actions import cancel_run
from runs_app.actions.approvals import decide_approval, purge_approvals
from runs_app.deciders import Decider
from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from runs_app.models import Approval, StepLog, WorkflowRun
from runs_app.signals import approval_requested
from runs_app.tools import TOOLS
from runs_app.tools.base import Park
from tenants_app.actions import set_variable
from tenants_app.models import Tenant, User
from tests.conftest import member, workflow
from tests.runs.approval_helpers import FORM, approval_of, ask, asking, choosing, decider, guarded, say
from tests.runs.engine.helpers import branches, step, steps, task, wait
from tests.runs.tools.context import context

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., WorkflowRun]
DriveAll = Callable[[], int]


def output_of(run: WorkflowRun) -> Any:
    return step(run, "ask").output


@pytest.fixture
def oscar(tenant: Tenant) -> User:
    """Operator of acme."""
    return member("oscar", tenant, "operator")


def test_it_sleeps_without_a_thread_until_it_is_approved(run: Run, drive: DriveAll, oscar: User) -> None:
    asked = run(choosing(description="Version 7", approval_data={"version": 7}))
    approval = approval_of(asked)
    assert (asked.status, step(asked, "ask").status) == ("sleeping", "sleeping")
    assert [(row.status, row.wake_at) for row in branches(asked)] == [("sleeping", None)]
    assert (approval.status, approval.title, approval.approval_key) == (
        "pending",
        "Deploy to production?",
        f"ask-{asked.pk}",
    )
    assert (approval.description, approval.approval_data) == ("Version 7", {"version": 7})

    decide_approval(approval, by=decider(oscar), approved=True, comment="Go.")
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    assert ("deploy", "succeeded") in steps(asked) and ("undo", "skipped") in steps(asked)
    output = output_of(asked)
    assert (output["status"], output["approved"], output["decided_by"]) == ("approved", True, "oscar@example.com")
    assert (output["comment"], output["answers"]) == ("Go.", {})
    assert "identity" not in str(output)


def test_a_rejection_that_the_definition_reads_is_data(run: Run, drive: DriveAll, oscar: User) -> None:
    asked = run(choosing())
    decide_approval(approval_of(asked), by=decider(oscar), approved=False, comment="Not today.")
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    assert ("undo", "succeeded") in steps(asked) and ("deploy", "skipped") in steps(asked)


def test_a_rejection_that_nobody_reads_stops_what_comes_after(run: Run, drive: DriveAll, oscar: User) -> None:
    asked = run(guarded())
    decide_approval(approval_of(asked), by=decider(oscar), approved=False, comment="Not today.")
    drive()
    asked.refresh_from_db()
    assert asked.status == "failed"
    assert ("deploy", "skipped") in steps(asked)
    assert "was rejected by oscar@example.com: Not today." in asked.error
    assert output_of(asked)["status"] == "rejected"


@pytest.mark.parametrize(
    ("definition", "status"),
    [(asking(), "completed"), (guarded(on_reject="continue"), "completed"), (asking(on_reject="fail"), "failed")],
)
def test_who_writes_the_workflow_may_say_what_a_rejection_means(
    run: Run, drive: DriveAll, oscar: User, definition: dict[str, Any], status: str
) -> None:
    asked = run(definition)
    decide_approval(approval_of(asked), by=decider(oscar), approved=False)
    drive()
    asked.refresh_from_db()
    assert asked.status == status
    assert output_of(asked)["status"] == "rejected"


def test_a_rejection_can_be_handled(run: Run, drive: DriveAll, oscar: User) -> None:
    asked = run(workflow({**ask(), "on_failure_task_id": "undo"}, say("undo")))
    decide_approval(approval_of(asked), by=decider(oscar), approved=False)
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    assert ("undo", "succeeded") in steps(asked)


# Expiry ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_timeout", "approval_status", "run_status"),
    [
        ("fail", "expired", "failed"),
        ("approve", "approved", "completed"),
        ("reject", "rejected", "completed"),
        ("continue", "expired", "completed"),
    ],
)
def test_it_ends_by_itself_as_it_says(
    run: Run, drive: DriveAll, move_clock: Any, on_timeout: str, approval_status: str, run_status: str
) -> None:
    asked = run(choosing(timeout="2h", on_timeout=on_timeout))
    move_clock(hours=1.9)
    assert drive() == 0
    move_clock(hours=0.2)
    drive()
    asked.refresh_from_db()
    approval = approval_of(asked)
    assert (approval.status, approval.decided_by, asked.status) == (approval_status, "timeout", run_status)
    chosen = ("deploy", "succeeded") if on_timeout == "approve" else ("deploy", "skipped")
    assert chosen in steps(asked)
    assert output_of(asked)["status"] == approval_status
    if on_timeout == "fail":
        assert "in time" in asked.error


@pytest.mark.parametrize("word", [{"timeout_seconds": 7200}, {"expires_in_hours": 2}, {"timeout_hours": "2"}])
def test_highways_words_for_the_time_are_understood(run: Run, word: dict[str, Any]) -> None:
    approval = approval_of(run(asking(**word)))
    assert approval.expires_at is not None
    assert (approval.expires_at - approval.requested_at).total_seconds() == 7200


def test_nobody_decides_after_its_time_though_the_sweep_has_not_come_by(run: Run, oscar: User, move_clock: Any) -> None:
    approval = approval_of(run(asking(timeout="1h")))
    move_clock(hours=1)
    with pytest.raises(Conflict, match="over"):
        decide_approval(approval, by=decider(oscar), approved=True)


# Crashes and races ----------------------------------------------------------------------------------------------------


def test_a_decision_before_the_step_parks_is_not_lost(start: Run, drive: DriveAll, oscar: User) -> None:
    asked = start(choosing())
    (taken,) = claim("w", 1)
    driven = Drive(taken)
    outcome = driven._perform(driven.scope)  # the question is stored, the step not yet asleep
    decide_approval(approval_of(asked), by=decider(oscar), approved=True)
    driven._commit(outcome)
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"


def test_an_attempt_after_a_crash_finds_its_question(start: Run, drive: DriveAll, oscar: User, settings: Any) -> None:
    settings.HIGHWAY_LEASE_SECONDS = -1
    asked = start(choosing())
    (taken,) = claim("w", 1)
    crashed = Drive(taken)
    crashed._perform(crashed.scope)
    approval = approval_of(asked)
    decide_approval(approval, by=decider(oscar), approved=True)
    settings.HIGHWAY_LEASE_SECONDS = 30
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    assert Approval.objects.for_tenant("acme").get() == approval


def test_a_step_that_died_asking_takes_its_question_with_it(start: Run, drive: DriveAll, settings: Any) -> None:
    """It runs once, so nobody knows whether it asked; the run goes on beside it."""
    settings.HIGHWAY_LEASE_SECONDS = -1
    asked = start(workflow({**ask(), "metadata": {"once": True}}, wait("nap", "PT1H"), name="release"))
    taken = next(each for each in claim("w", 2) if each.start.path == "ask")
    crashed = Drive(taken)
    crashed._perform(crashed.scope)
    assert approval_of(asked).is_pending
    settings.HIGHWAY_LEASE_SECONDS = 30
    drive()
    asked.refresh_from_db()
    assert (asked.status, approval_of(asked).status) == ("sleeping", "cancelled")
    assert approval_of(asked).comment == "Its step failed."


def test_the_run_takes_its_approvals_with_it(run: Run, oscar: User, alice: User) -> None:
    asked = run(asking())
    approval = approval_of(asked)
    cancel_run(asked, actor=alice)
    assert approval_of(asked).status == "cancelled"
    with pytest.raises(Conflict, match="cancelled already"):
        decide_approval(approval, by=decider(oscar), approved=True)


def test_a_run_that_is_over_asks_nobody(start: Run, alice: User) -> None:
    asked = start(asking())
    (taken,) = claim("w", 1)
    late = Drive(taken)
    cancel_run(asked, actor=alice)
    outcome = late._perform(late.scope)
    assert "cancelled already" in outcome.error  # type: ignore[union-attr]
    assert not Approval.objects.for_tenant("acme").exists()


# Who decides ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approvers", "role", "may"),
    [
        ([], "operator", True),
        ([], "viewer", False),
        (["oscar@example.com"], "operator", True),
        (["Oscar@Example.com"], "operator", True),
        (["oscar@example.com"], "viewer", False),
        (["somebody@example.com"], "admin", False),
        (["editor"], "operator", False),
        (["role:editor", "somebody@example.com"], "admin", True),
        ("somebody@example.com, oscar@example.com", "operator", True),
    ],
)
def test_only_those_meant_decide(run: Run, oscar: User, approvers: Any, role: str, may: bool) -> None:
    approval = approval_of(run(asking(approvers=approvers)))
    if may:
        assert decide_approval(approval, by=decider(oscar, role), approved=True).status == "approved"
        return
    with pytest.raises(Forbidden):
        decide_approval(approval, by=decider(oscar, role), approved=True)
    approval.refresh_from_db()
    assert approval.is_pending


def test_two_of_three_have_to_approve(run: Run, drive: DriveAll, oscar: User, alice: User) -> None:
    asked = run(choosing(required=2))
    approval = approval_of(asked)
    assert decide_approval(approval, by=decider(oscar), approved=True).status == "pending"
    with pytest.raises(Conflict, match="2 different people"):
        decide_approval(approval, by=decider(oscar), approved=True)
    assert drive() == 0
    key = Decider("key:1", "API key robot", "operator")
    assert decide_approval(approval, by=key, approved=True).status == "approved"
    drive()
    said = output_of(asked)["decisions"]
    assert [row["by"] for row in said] == ["oscar@example.com", "API key robot"]


def test_one_rejection_settles_it(run: Run, oscar: User, alice: User) -> None:
    approval = approval_of(run(asking(required=3)))
    decide_approval(approval, by=decider(oscar), approved=True)
    assert decide_approval(approval, by=decider(alice), approved=False).status == "rejected"


# Answers --------------------------------------------------------------------------------------------------------------


def test_answers_fit_the_form_and_get_its_defaults(run: Run, drive: DriveAll, oscar: User) -> None:
    asked = run(asking(form_schema=FORM))
    approval = approval_of(asked)
    with pytest.raises(Invalid) as caught:
        decide_approval(approval, by=decider(oscar), approved=True, answers={"amount": 0})
    assert [error.field for error in caught.value.field_errors] == ["answers.amount"]
    decide_approval(approval, by=decider(oscar), approved=True, answers={"amount": 3})
    drive()
    assert output_of(asked)["answers"] == {"amount": 3, "note": "none"}


def test_who_rejects_need_not_fill_in_the_form(run: Run, oscar: User) -> None:
    approval = approval_of(run(asking(form_schema=FORM)))
    assert decide_approval(approval, by=decider(oscar), approved=False).status == "rejected"


# What the tool refuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"on_timeout": "panic"}, "on_timeout must be one of fail, approve, reject, continue"),
        ({"on_reject": "panic"}, "on_reject must be one of"),
        ({"required": 0}, "required must be a number"),
        ({"required": "many"}, "required must be a number"),
        ({"required": 2, "approvers": ["a@example.com"]}, "only 1 may decide"),
        ({"approvers": ["viewer"]}, "neither an e-mail nor one of the roles"),
        ({"approvers": {"a": 1}}, "approvers must be a list"),
        ({"timeout": "soon"}, "timeout is wrong"),
        ({"timeout": "1h", "expires_in_hours": 1}, "expires_in_hours says the same as timeout"),
        ({"form_schema": {"type": "no"}}, "form_schema.type is wrong"),
        ({"form_schema": [1]}, "form_schema is wrong"),
        ({"approval_key": "k" * 256}, "approval_key is longer"),
        ({"approval_data": "x" * 300_000}, "approval_data is larger"),
        ({"aprovers": []}, "did you mean approvers?"),
    ],
)
def test_wrong_arguments_fail_the_step_by_name(run: Run, arguments: dict[str, Any], told: str) -> None:
    asked = run(asking(**arguments))
    assert asked.status == "failed"
    assert told in asked.error
    assert not Approval.objects.for_tenant("acme").exists()


def test_a_key_and_a_title_are_made_up_where_none_are_given(run: Run) -> None:
    asked = run(workflow(task("ask", "tools.approval.request"), name="release"))
    approval = approval_of(asked)
    assert (approval.approval_key, approval.title) == (f"{asked.pk}:ask", "release: ask")


def test_secrets_are_masked_in_what_is_asked(run: Run, tenant: Tenant) -> None:
    set_variable(tenant, "TOKEN", "s3cr3t-value", secret=True)
    asked = run(asking(description="Use ${secrets.TOKEN}", approval_data={"token": "${secrets.TOKEN}"}))
    approval = approval_of(asked)
    assert "s3cr3t-value" not in f"{approval.description} {approval.approval_data}"
    assert approval.approval_data == {"token": "******"}


def test_the_steps_log_leads_to_the_decision(run: Run) -> None:
    asked = run(asking())
    log = StepLog.objects.for_tenant("acme").get(run=asked, path="ask").text
    assert f"/admin/runs_app/approval/{approval_of(asked).pk}/change/" in log


def test_resuming_without_a_decision_waits_on(run: Run) -> None:
    approval = approval_of(run(asking()))
    resume = TOOLS["tools.approval.request"].resume
    assert resume is not None
    again = resume({"approval_id": str(approval.pk), "on_reject": "auto"}, context(tenant_id="acme"))
    assert isinstance(again, Park) and again.until is None


# What others hear, and forgetting -------------------------------------------------------------------------------------


def test_the_request_is_told_once_and_a_faulty_listener_undoes_nothing(run: Run) -> None:
    heard: list[str] = []

    @receiver(approval_requested)
    def listen(approval: Approval, **kwargs: Any) -> None:
        heard.append(f"{approval.run.workflow_name}: {approval.title}")
        raise RuntimeError("a listener's fault")

    asked = run(asking())
    approval_requested.disconnect(listen)
    assert heard == ["release: Deploy to production?"]
    assert approval_of(asked).is_pending


def test_what_was_decided_is_forgotten_and_what_is_pending_stays(run: Run, oscar: User, move_clock: Any) -> None:
    decided, pending = approval_of(run(asking())), approval_of(run(asking()))
    decided = decide_approval(decided, by=decider(oscar), approved=True)
    assert decided.decided_at is not None
    later = decided.decided_at + timedelta(days=1)
    assert purge_approvals("globex", later, dry_run=False) == 0
    assert purge_approvals("acme", decided.decided_at, dry_run=False) == 0
    assert purge_approvals("acme", later, dry_run=True) == 1
    assert purge_approvals("acme", later, dry_run=False) == 1
    assert Approval.objects.for_tenant("acme").get() == pending
