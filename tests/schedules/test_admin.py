from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.models import WorkflowRun
from schedules_app.actions import fire_due, pause_schedule, run_now
from schedules_app.models import ScheduledWorkflow
from tenants_app.actions import remove_member
from tenants_app.models import Membership, Tenant, User
from tests.schedules.conftest import DEFINITION, ledger

Make = Callable[..., ScheduledWorkflow]
At = Callable[[str], datetime]
pytestmark = pytest.mark.django_db
URL = "/admin/schedules_app/scheduledworkflow/"
FORM = {
    "name": "nightly",
    "cron_expression": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "day_or": "on",
    "dst_gap": "cron",
    "dst_overlap": "cron",
    "template": "",
    "template_version": "",
    "workflow_definition": json.dumps(DEFINITION),
    "inputs": "{}",
    "overlap": "skip",
    "catch_up": "latest",
    "catch_up_window": "",
    **{f"{name}_{half}": "" for name in ("start_at", "end_at", "pause_until") for half in (0, 1)},
    "remaining_runs": "",
    "spread": "0",
    "enabled": "on",
    "pause_note": "",
    "pause_after_failures": "0",
    "ticks-TOTAL_FORMS": "0",
    "ticks-INITIAL_FORMS": "0",
}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def page(alice: User) -> Client:
    return signed_in(alice)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_schedule_is_added_changed_and_deleted(page: Client, at: At) -> None:
    at("2026-03-27T12:00:00")
    assert page.get(f"{URL}add/").status_code == 200
    added = page.post(f"{URL}add/", FORM)
    assert added.status_code == 302, text(added)
    schedule = ScheduledWorkflow.objects.all_tenants().get()
    assert (schedule.tenant_id, schedule.owner) == ("acme", User.objects.get(username="alice"))
    assert schedule.next_run_at and schedule.next_run_at.isoformat() == "2026-03-28T01:30:00+00:00"

    one = f"{URL}{schedule.pk}/change/"
    shown = text(page.get(one))
    assert "At 02:30 (Europe/Berlin)" in shown
    assert "clocks go forward: 02:30 does not exist, runs at 03:00" in shown
    changed = page.post(one, {**FORM, "cron_expression": "0 5 * * *"})
    assert changed.status_code == 302, text(changed)
    schedule.refresh_from_db()
    assert (schedule.cron_expression, schedule.enabled) == ("0 5 * * *", True)

    assert page.post(f"{URL}{schedule.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ScheduledWorkflow.objects.all_tenants().exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cron_expression": "0 0 30 2 *"}, "names a date that never comes"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"workflow_definition": "[" * 50_000}, "nested deeper"),
        ({"workflow_definition": ""}, "either a template or a definition"),
        ({"workflow_definition": '{"name": "x"}'}, ""),
        ({"overlap": "sometimes"}, "Select a valid choice"),
        ({"inputs": '{"a": "${steps.x.output}"}'}, "does not exist in a schedule"),
    ],
)
def test_what_is_wrong_is_told_in_the_form(page: Client, change: dict[str, str], told: str) -> None:
    answer = page.post(f"{URL}add/", {**FORM, **change})
    assert answer.status_code == 200
    assert told in text(answer)
    assert not ScheduledWorkflow.objects.all_tenants().exists()


def test_pause_and_resume_are_posts(page: Client, make: Make) -> None:
    schedule = make()
    one = f"{URL}{schedule.pk}/do"
    assert page.get(f"{one}/pause/").status_code == 405
    rows = ScheduledWorkflow.objects.all_tenants()
    assert page.post(f"{one}/pause/").status_code == 302
    assert not rows.get().enabled
    assert page.post(f"{one}/resume/").status_code == 302
    assert rows.get().enabled and rows.get().next_run_at


def test_the_list_says_paused_and_keeps_the_note_at_hand(page: Client, make: Make) -> None:
    make(enabled=False, pause_note="Set the variables ONE & TWO, then resume.")
    shown = page.get(URL).content.decode()
    assert '<span title="Set the variables ONE &amp; TWO, then resume.">paused</span>' in shown


def test_many_are_paused_and_resumed_at_once(page: Client, make: Make) -> None:
    schedules = [make(), make()]
    chosen = {"_selected_action": [str(schedule.pk) for schedule in schedules]}
    enabled = ScheduledWorkflow.objects.all_tenants().filter(enabled=True)
    told = page.post(URL, {"action": "pause_selected", **chosen}, follow=True)
    assert "2 paused." in text(told) and enabled.count() == 0
    page.post(URL, {"action": "resume_selected", **chosen})
    assert enabled.count() == 2


def test_running_and_skipping_are_posts_that_say_what_they_did(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    one = f"{URL}{schedule.pk}/do"
    assert (page.get(f"{one}/run/").status_code, page.get(f"{one}/skip/").status_code) == (405, 405)
    shown = text(page.get(f"{URL}{schedule.pk}/change/"))
    assert f'action="{one}/run/"' in shown and f'action="{one}/skip/"' in shown

    ran = text(page.post(f"{one}/run/", follow=True))
    run = WorkflowRun.objects.all_tenants().get()
    assert f"/admin/runs_app/workflowrun/{run.pk}/change/" in ran and "Run by alice." in ran
    skipped = text(page.post(f"{one}/skip/", follow=True))
    assert "2026-11-23 10:01:00 UTC is skipped. The next run is at 2026-11-23 10:02:00 UTC." in skipped
    assert "Skipped by alice." in skipped
    assert [outcome for _, outcome in ledger(schedule)] == ["run_by_hand", "skipped_by_hand"]


def test_many_are_run_and_skipped_at_once(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedules = [make(), pause_schedule(make())]
    chosen = {"_selected_action": [str(schedule.pk) for schedule in schedules]}
    assert "2 started." in text(page.post(URL, {"action": "run_selected", **chosen}, follow=True))
    told = text(page.post(URL, {"action": "skip_selected", **chosen}, follow=True))
    assert "1 skipped." in told and "is paused: no time of it is coming." in told
    assert WorkflowRun.objects.all_tenants().count() == 2


def test_a_single_time_in_the_form(page: Client, at: At) -> None:
    at("2026-11-23T10:00:30")
    shown = text(page.post(f"{URL}preview/", {**FORM, "cron_expression": "@at 2026-12-01 09:00"}))
    assert "Once, on Tuesday 1 December 2026 at 09:00 (Europe/Berlin)" in shown
    assert "Tuesday 1 December 2026 at 09:00 CET" in shown
    passed = {**FORM, "cron_expression": "@at 2026-11-01 09:00"}
    assert "This time has passed." in text(page.post(f"{URL}preview/", passed))
    assert "This time has passed." in text(page.post(f"{URL}add/", passed))
    assert page.post(f"{URL}add/", {**FORM, "cron_expression": "@at 2026-12-01 09:00"}).status_code == 302


def test_the_preview_knows_the_spread_and_how_many_runs_remain(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(cron_expression="0 * * * *", spread=600)
    sent = {**FORM, "cron_expression": "0 * * * *", "spread": "600", "remaining_runs": "2"}
    shown = text(page.post(f"{URL}preview/?schedule={schedule.pk}", sent))
    assert "Spread: each start is" in shown and shown.count("<time ") == 2
    assert f"{schedule.next_run_at:%Y-%m-%d %H:%M:%S}" in shown
    for odd in ({"spread": "x"}, {"spread": "-1"}, {"remaining_runs": "9" * 30}):
        assert page.post(f"{URL}preview/", {**sent, **odd}).status_code == 200


def test_another_member_becomes_the_owner_and_one_who_left_stays(
    page: Client, make: Make, alice: User, bob: User, mallory: User, tenant: Tenant
) -> None:
    form = {**FORM, "timezone": "UTC", "inputs": "{}"}
    schedule = make(name="nightly", cron_expression="30 2 * * *", owner=bob)
    one = f"{URL}{schedule.pk}/change/"
    remove_member(Membership.objects.for_tenant(tenant).get(user=bob))
    assert page.post(one, {**form, "owner": str(bob.pk), "pause_note": "x"}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.owner == bob
    assert page.post(one, {**form, "owner": str(mallory.pk)}).status_code == 200
    assert page.post(one, {**form, "owner": str(alice.pk)}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.owner == alice


def test_lists_and_pages_cost_the_same_however_much_there_is(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()

    def queries(path: str) -> int:
        page.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert page.get(path).status_code == 200
        return len(captured)

    paths = [URL, f"{URL}{schedule.pk}/change/", "/admin/schedules_app/scheduletick/"]
    run_now(schedule)
    before = [queries(path) for path in paths]
    for _ in range(5):
        make()
        run_now(schedule)
    assert [queries(path) for path in paths] == before


def test_saving_a_form_opened_before_a_run_keeps_what_the_scheduler_wrote(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make(name="nightly", cron_expression="30 2 * * *", timezone="Europe/Berlin")
    at("2026-11-24T01:30:00")
    fire_due()

    page.post(f"{URL}{schedule.pk}/change/", {**FORM, "name": "renamed"})

    schedule.refresh_from_db()
    assert schedule.name == "renamed" and schedule.last_run_at
    assert schedule.next_run_at and schedule.next_run_at.isoformat() == "2026-11-25T01:30:00+00:00"


def test_the_ledger_is_shown_and_cannot_be_changed(page: Client, make: Make, at: At) -> None:
    at("2026-11-23T10:00:30")
    schedule = make()
    at("2026-11-23T10:01:00")
    fire_due()

    shown = text(page.get(f"{URL}{schedule.pk}/change/"))
    assert "Submitted" in shown and "&#x27;submitted&#x27;" not in shown
    assert "Run pending" in text(page.get(URL))
    ticks = "/admin/schedules_app/scheduletick/"
    assert "Submitted" in text(page.get(ticks))
    tick = schedule.ticks.all()[0]
    assert page.get(f"{ticks}{tick.pk}/change/").status_code == 200
    assert page.get(f"{ticks}add/").status_code == 403
    assert page.post(f"{ticks}{tick.pk}/delete/", {"post": "yes"}).status_code == 403
    assert len(ledger(schedule)) == 1


def test_the_preview_follows_the_form(page: Client, at: At) -> None:
    at("2026-10-24T12:00:00")
    shown = page.post(f"{URL}preview/", {**FORM, "dst_overlap": "both"})
    assert "the first of two 02:30" in text(shown) and "the second of two 02:30" in text(shown)
    assert "never comes" in text(page.post(f"{URL}preview/", {**FORM, "cron_expression": "0 0 31 2 *"}))
    assert "The expression is empty" in text(page.post(f"{URL}preview/", {**FORM, "cron_expression": ""}))
    assert page.post(f"{URL}preview/", {}).status_code == 200
    assert page.get(f"{URL}preview/").status_code == 405


def test_the_list_says_it_in_words(page: Client, make: Make) -> None:
    make(cron_expression="0 0 13 * 5")
    pause_schedule(make(), note="until the move is done")
    shown = text(page.get(URL))
    assert "At 00:00, on day 13 of the month or on Friday (UTC)" in shown
    assert "until the move is done" in shown


def test_another_tenants_schedule_is_404(mallory: User, make: Make) -> None:
    schedule = make()
    page = signed_in(mallory)
    assert page.get(f"{URL}{schedule.pk}/change/").status_code == 404
    for verb in ("pause", "run", "skip"):
        assert page.post(f"{URL}{schedule.pk}/do/{verb}/").status_code == 404
    assert schedule.name not in text(page.get(URL))


def test_a_viewer_reads_only(bob: User, make: Make) -> None:
    schedule = make()
    page = signed_in(bob)
    assert page.get(f"{URL}{schedule.pk}/change/").status_code == 200
    for verb in ("pause", "run", "skip"):
        assert page.post(f"{URL}{schedule.pk}/do/{verb}/").status_code == 403
    assert page.post(f"{URL}{schedule.pk}/change/", FORM).status_code == 403
    schedule.refresh_from_db()
    assert schedule.enabled
