"""The owner of a failing schedule hears of it, not too often; what fails too often is paused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due, resume_schedule, run_now, update_schedule
from schedules_app.models import FailureStreak, ScheduledWorkflow
from tenants_app.actions import remove_member
from tenants_app.models import Membership, OutboxMail, Tenant, User
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
Drive = Callable[[], int]
pytestmark = pytest.mark.django_db
BROKEN: dict[str, Any] = {
    "name": "backup",
    "version": "1",
    "tasks": {
        "dump": {
            "task_id": "dump",
            "operator_type": "task",
            "function": "tools.shell.run",
            "args": ["echo disk full >&2; exit 3"],
        }
    },
}


def fail_at(at: At, drive: Drive, *times: str) -> None:
    for time in times:
        at(f"2026-11-23T{time}")
        fire_due()
        drive()


def mails() -> list[OutboxMail]:
    return list(OutboxMail.objects.all_tenants().filter(kind="schedule_failed").order_by("created_at"))


def test_the_owner_is_told_with_a_link_to_the_run(
    make: Make, at: At, drive: Drive, alice: User, settings: Any, tenant: Tenant
) -> None:
    settings.HIGHWAY_BASE_URL = "https://highway.example"
    at("2026-11-23T10:00:30")
    schedule = make(name="nightly backup", workflow_definition=BROKEN, owner=alice, timezone="Europe/Berlin")

    fail_at(at, drive, "10:01:00")

    (mail,) = mails()
    run = WorkflowRun.objects.all_tenants().get()
    assert (mail.tenant_id, mail.to, mail.subject) == ("acme", "alice@example.com", "Schedule nightly backup failed")
    assert "dump: " in mail.text and "exit" in mail.text
    assert "Due: Monday 23 November 2026 at 11:01 CET" in mail.text
    assert f"https://highway.example/admin/runs_app/workflowrun/{run.pk}/change/" in mail.text
    assert f"https://highway.example/admin/schedules_app/scheduledworkflow/{schedule.pk}/change/" in mail.text


def test_not_more_than_one_mail_an_hour_and_it_says_how_many(make: Make, at: At, drive: Drive, alice: User) -> None:
    at("2026-11-23T10:00:30")
    make(name="backup", workflow_definition=BROKEN, owner=alice, cron_expression="*/10 * * * *", catch_up="none")

    fail_at(at, drive, "10:10:00", *(f"{10 + tens // 60}:{tens % 60:02}:40" for tens in range(20, 130, 10)))

    assert [mail.subject for mail in mails()] == ["Schedule backup failed", "Schedule backup failed (6 failures)"]
    assert "6 failures since the last mail of Monday 23 November 2026 at 10:10" in mails()[1].text
    assert "It has failed 7 times in a row since Monday 23 November 2026 at 10:10" in mails()[1].text


def test_a_success_ends_the_row_but_not_the_hour(make: Make, at: At, drive: Drive, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(workflow_definition=BROKEN, owner=alice)
    fail_at(at, drive, "10:01:00")
    schedule, _warnings = update_schedule(schedule, {"workflow_definition": DEFINITION})
    fail_at(at, drive, "10:02:00")
    streak = FailureStreak.objects.all_tenants().get()
    assert (streak.in_a_row, streak.failing_since, streak.since_mail) == (0, None, 0)

    update_schedule(schedule, {"workflow_definition": BROKEN})
    fail_at(at, drive, "10:03:00")
    assert len(mails()) == 1
    fail_at(at, drive, "11:10:00")
    assert len(mails()) == 2


def test_a_time_that_could_not_be_submitted_is_told_too(make: Make, at: At, drive: Drive, alice: User) -> None:
    at("2026-11-23T10:00:30")
    broken, unreadable = make(name="broken", owner=alice), make(name="unreadable", owner=alice)
    rows = ScheduledWorkflow.objects.all_tenants()
    rows.filter(pk=broken.pk).update(inputs={"x": "${no_such.name}"})
    rows.filter(pk=unreadable.pk).update(cron_expression="not a cron")

    fail_at(at, drive, "10:01:00")

    found = {mail.subject: mail.text for mail in mails()}
    assert set(found) == {"Schedule broken could not start", "Schedule unreadable could not start"}
    assert "no_such" in found["Schedule broken could not start"]
    assert "five fields" in found["Schedule unreadable could not start"]
    assert "/admin/runs_app/workflowrun/" not in found["Schedule broken could not start"]


def test_nobody_is_told_who_may_not_know(
    make: Make, at: At, drive: Drive, alice: User, bob: User, superuser: User, tenant: Tenant
) -> None:
    at("2026-11-23T10:00:30")
    for owner in (alice, bob, superuser, None):
        make(workflow_definition=BROKEN, owner=owner)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    remove_member(Membership.objects.for_tenant(tenant).get(user=bob))

    fail_at(at, drive, "10:01:00")

    assert [mail.to for mail in mails()] == [superuser.email]
    assert FailureStreak.objects.all_tenants().count() == 4


def test_a_run_by_hand_that_fails_counts_and_a_cancelled_one_does_not(
    make: Make, at: At, drive: Drive, alice: User
) -> None:
    from runs_app.actions import cancel_run

    at("2026-11-23T10:00:30")
    schedule = make(workflow_definition=BROKEN, owner=alice)
    cancel_run(run_now(schedule)[0], actor=alice)
    assert not FailureStreak.objects.all_tenants().exists()
    run_now(schedule)
    drive()
    assert FailureStreak.objects.all_tenants().get().in_a_row == 1


def test_a_schedule_that_fails_too_often_is_paused_with_a_note(make: Make, at: At, drive: Drive, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(workflow_definition=BROKEN, pause_after_failures=2)
    fail_at(at, drive, "10:01:00", "10:02:00", "10:03:00")

    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.next_run_at) == (False, None)
    assert schedule.pause_note == "Paused after 2 failures in a row."
    assert len(ledger(schedule)) == 2

    resume_schedule(schedule)
    fail_at(at, drive, "10:04:00")
    schedule.refresh_from_db()
    assert schedule.enabled, "the row of failures begins anew"


def test_a_mail_says_when_it_pauses(make: Make, at: At, drive: Drive, alice: User) -> None:
    at("2026-11-23T10:00:30")
    make(workflow_definition=BROKEN, owner=alice, pause_after_failures=2, cron_expression="0 * * * *")
    fail_at(at, drive, "11:00:00", "12:00:40")
    assert ["It pauses after 2 in a row." in mails()[0].text, "It is paused now." in mails()[1].text] == [True, True]


def test_a_schedule_whose_pause_was_missed_is_paused_at_its_next_time(make: Make, at: At, alice: User) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(pause_after_failures=3)
    FailureStreak.objects.for_tenant("acme").create(tenant_id="acme", schedule=schedule, in_a_row=3)

    at("2026-11-23T10:01:00")
    fire_due()

    schedule.refresh_from_db()
    assert (schedule.enabled, ledger(schedule)) == (False, [("2026-11-23T10:01:00", "missed")])
    assert schedule.pause_note == "Paused after 3 failures in a row."
    assert not WorkflowRun.objects.all_tenants().exists()


def test_times_that_cannot_start_pause_it_too(make: Make, at: At, drive: Drive) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(pause_after_failures=2)
    ScheduledWorkflow.objects.all_tenants().update(inputs={"x": "${no_such.name}"})
    fail_at(at, drive, "10:01:00", "10:02:00", "10:03:00")
    schedule.refresh_from_db()
    assert not schedule.enabled
    assert [outcome for _, outcome in ledger(schedule)] == ["failed_to_submit"] * 2
