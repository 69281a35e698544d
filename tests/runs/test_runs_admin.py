"""Runs in the admin: listed, followed without reloading, cancelled by POST."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.actions import heartbeat
from runs_app.models import EmailTemplate, RunBranch, WorkflowRun
from runs_app.picture import draw
from runs_app.statuses import BranchStatus
from templates_app.actions import create_template, run_template
from tenants_app.models import Tenant, User
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import condition, wait

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/runs_app/workflowrun/"
Run = Callable[..., WorkflowRun]


def page(run: WorkflowRun, rest: str = "change/") -> str:
    return f"{LIST}{run.pk}/{rest}"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_run_shows_its_steps_outputs_logs_and_graph(run: Run, alice: User) -> None:
    ended = run(workflow(shell("first", "echo hello-log"), shell("second", "echo oops >&2; exit 4", "first")))
    html = signed_in(alice).get(page(ended)).content.decode()
    for text in ("first", "second", "hello-log", "oops", "exit code 4", "<svg", "hw-failed", "hw-succeeded"):
        assert text in html


def test_the_live_part_says_when_the_run_is_final(start: Run, drive: Callable[[], int], alice: User) -> None:
    run, client = start(workflow(shell("a", "echo"))), signed_in(alice)
    assert 'data-final="no"' in client.get(page(run, "live/")).content.decode()
    drive()
    assert 'data-final="yes"' in client.get(page(run, "live/")).content.decode()


def test_cancel_is_a_post_and_says_what_it_did(run: Run, alice: User) -> None:
    waiting, client = run(workflow(wait("nap", "PT1H"))), signed_in(alice)
    assert client.get(page(waiting, "do/cancel/")).status_code == 405
    answer = client.post(page(waiting, "do/cancel/"), follow=True)
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert "The run was cancelled." in answer.content.decode()
    again = client.post(page(waiting, "do/cancel/"), follow=True)
    assert "cancelled already" in again.content.decode()


def test_a_run_that_ended_is_run_again_with_the_same_inputs(run: Run, alice: User, drive: Callable[[], int]) -> None:
    ended, client = run(workflow(shell("a", "echo")), {"who": "Ada"}), signed_in(alice)
    answer = client.post(page(ended, "do/again/"), follow=True)
    newest = WorkflowRun.objects.all_tenants().latest("workflow_run_id")

    assert answer.redirect_chain[-1][0] == page(newest)
    assert "This is a new run of flow" in answer.content.decode()
    assert page(ended) in answer.content.decode(), "its cause leads to the first one"
    assert (newest.inputs, newest.definition_id, newest.actor) == ({"who": "Ada"}, ended.definition_id, alice)
    refused = client.post(page(newest, "do/again/"), follow=True)
    assert "Cannot run again this" in refused.content.decode()
    drive()
    client.post(LIST, {"action": "run_again_selected", "_selected_action": [str(ended.pk), str(newest.pk)]})
    assert WorkflowRun.objects.all_tenants().count() == 4


def test_viewers_run_nothing_again(run: Run, bob: User) -> None:
    ended, client = run(workflow(shell("a", "echo"))), signed_in(bob)
    assert "Run again" not in client.get(page(ended)).content.decode()
    assert client.post(page(ended, "do/again/")).status_code == 403


def test_runs_are_filtered_by_whether_they_go_on(run: Run, alice: User) -> None:
    ended, asleep = run(workflow(shell("a", "echo"))), run(workflow(wait("nap", "PT1H")))
    client = signed_in(alice)
    for value, shown, hidden in (("1", asleep, ended), ("0", ended, asleep)):
        html = client.get(LIST, {"open": value}).content.decode()
        assert page(shown) in html
        assert page(hidden) not in html


def test_a_worker_tells_what_it_drives_of_ones_own_tenant_only(start: Run, alice: User, mallory: User) -> None:
    run = start(workflow(shell("a", "echo"), name="their_flow"))
    heartbeat("host:1:abc", kind="worker", busy=1, capacity=4)
    RunBranch.objects.for_tenant(run.tenant_id).update(worker="host:1:abc", status=BranchStatus.RUNNING)
    url = "/admin/runs_app/worker/"
    assert "1 of 4" in signed_in(alice).get(url, {"state": "alive"}).content.decode()
    assert "No workers" not in signed_in(alice).get(url).content.decode()
    detail = f"{url}{quote('host:1:abc')}/change/"
    assert page(run) in signed_in(alice).get(detail).content.decode()
    assert "their_flow" not in signed_in(mallory).get(detail).content.decode()


def test_many_runs_are_cancelled_at_once(run: Run, alice: User) -> None:
    runs = [run(workflow(wait("nap", "PT1H"))) for _ in range(3)]
    body = {"action": "cancel_runs", "_selected_action": [str(each.pk) for each in runs]}
    assert "3 cancelled." in signed_in(alice).post(LIST, body, follow=True).content.decode()


def test_viewers_look_and_others_see_nothing(run: Run, bob: User, mallory: User) -> None:
    waiting = run(workflow(wait("nap", "PT1H")))
    viewer = signed_in(bob)
    assert viewer.get(page(waiting)).status_code == 200
    assert viewer.post(page(waiting, "do/cancel/")).status_code == 403
    stranger = signed_in(mallory)
    for rest in ("change/", "live/"):
        assert stranger.get(page(waiting, rest)).status_code == 404
    assert stranger.post(page(waiting, "do/cancel/")).status_code == 404
    assert str(waiting.pk) not in stranger.get(LIST).content.decode()


def test_the_list_costs_the_same_for_one_and_for_twenty(run: Run, alice: User) -> None:
    client = signed_in(alice)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    run(workflow(shell("a", "echo")))
    count()
    one = count()
    for _ in range(19):
        run(workflow(shell("a", "echo")))
    assert count() == one


def test_mail_texts_are_seeded_edited_and_checked(tenant: Tenant, alice: User) -> None:
    welcome = EmailTemplate.objects.for_tenant(tenant).get(name="welcome")
    client, url = signed_in(alice), f"/admin/runs_app/emailtemplate/{welcome.pk}/change/"
    assert client.get(url).status_code == 200
    body = {"name": "welcome", "subject": "Hi ${input.email}", "body": "Hello", "html": ""}
    assert client.post(url, body).status_code == 302
    welcome.refresh_from_db()
    assert welcome.subject == "Hi ${input.email}"
    refused = client.post(url, {**body, "body": "${input.email | shout}"})
    assert refused.status_code == 200
    welcome.refresh_from_db()
    assert welcome.body == "Hello"


@pytest.mark.parametrize("model", ["workflowdefinition", "worker", "emailtemplate"])
def test_other_pages_open(run: Run, alice: User, model: str) -> None:
    run(workflow(shell("a", "echo")))
    assert signed_in(alice).get(f"/admin/runs_app/{model}/").status_code == 200


def test_the_picture_puts_what_follows_to_the_right() -> None:
    first = {**condition("c", "true", "yes", "no"), "on_failure_task_id": None}
    tasks = {
        "c": first,
        "yes": shell("yes", "echo", "c"),
        "no": shell("no", "echo", "c"),
        "end": shell("end", "", "yes"),
    }
    picture = draw(tasks, {"c": "succeeded", "no": "skipped"})
    x = {box.task_id: box.x for box in picture.boxes}
    assert x["c"] < x["yes"] == x["no"] < x["end"]
    assert {arrow.label for arrow in picture.arrows} == {"yes", "no", ""}
    assert {box.status for box in picture.boxes} == {"succeeded", "skipped", "waiting"}


def test_a_run_names_the_template_that_started_it(tenant: Tenant, alice: User) -> None:
    template, _warnings = create_template(
        tenant, {"name": "greeting", "workflow_definition": workflow(shell("a", "echo"))}
    )
    run, _created = run_template(template, {}, actor=alice)
    client, link = signed_in(alice), f'/admin/templates_app/workflowtemplate/{template.pk}/change/">greeting</a>'
    assert link in client.get(LIST).content.decode()
    assert link in client.get(page(run)).content.decode()
