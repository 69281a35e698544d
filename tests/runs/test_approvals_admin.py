"""The approvals inbox: who sees what, who decides what, one by one and many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.actions.approvals import decide_approval
from runs_app.models import Approval, WorkflowRun
from tenants_app.models import Tenant, User
from tests.conftest import member
from tests.runs.approval_helpers import FORM, approval_of, asking, choosing, decider

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/runs_app/approval/"
Run = Callable[..., WorkflowRun]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return signed_in(member("oscar", tenant, "operator"))


def page(approval: Approval, rest: str = "change/") -> str:
    return f"{LIST}{approval.pk}/{rest}"


def decide(client: Client, approval: Approval, decision: str = "approve", query: str = "", **fields: Any) -> Any:
    return client.post(page(approval, "decide/") + query, {"decision": decision, "comment": "", **fields})


def told(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def html(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_inbox_shows_the_longest_waiting_first_and_what_was_decided_last(
    run: Run, operator: Client, alice: User, move_clock: Callable[..., None]
) -> None:
    decided = approval_of(run(asking(title="Decided")))
    old = approval_of(run(asking(title="Old", timeout="10d")))
    decide_approval(decided, by=decider(alice), approved=True)
    move_clock(days=3)
    run(asking(title="New"))
    text = html(operator.get(LIST))
    places = [text.index(f">{title}<") for title in ("Old", "New", "Decided")]
    assert places == sorted(places)
    assert "3 d 0 h" in text and "in 6 d 23 h" in text and "any operator" in text
    assert f"/admin/runs_app/workflowrun/{old.run_id}/change/" in text
    assert "alice@example.com" in text
    assert ">Decided<" not in html(operator.get(f"{LIST}?status__exact=pending"))
    assert ">Old<" in html(operator.get(f"{LIST}?q=old"))


def test_the_page_shows_what_is_asked_and_takes_the_decision(
    run: Run, drive: Callable[[], int], operator: Client
) -> None:
    asked = run(choosing(description="Version <7>", approval_data={"commit": "9f3c", "parts": ["a", {"b": 1}]}))
    approval = approval_of(asked)
    text = html(operator.get(page(approval)))
    for part in ("Deploy to production?", "Version &lt;7&gt;", "9f3c", "&quot;b&quot;: 1", "Approve", "Reject", "ask"):
        assert part in text, part
    answer = decide(operator, approval, comment="Go.")
    assert (answer.status_code, answer["Location"]) == (302, page(approval))
    assert "approved" in told(answer)
    approval.refresh_from_db()
    assert (approval.status, approval.comment, approval.decided_by) == ("approved", "Go.", "oscar@example.com")
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    text = html(operator.get(page(approval)))
    assert "oscar@example.com" in text and "Go." in text and 'value="reject"' not in text


def test_the_form_is_made_of_the_schema_and_keeps_what_was_typed(run: Run, operator: Client) -> None:
    approval = approval_of(run(asking(form_schema=FORM)))
    assert 'name="answers.amount"' in html(operator.get(page(approval)))
    refused = html(decide(operator, approval, comment="Hm.", **{"answers.amount": "0", "answers.note": "soon"}))
    assert "less than the minimum" in refused and "Hm." in refused and 'value="soon"' in refused
    refused = html(decide(operator, approval, **{"answers.amount": "many"}))
    assert "whole number" in refused
    assert approval_of(approval.run).is_pending
    assert decide(operator, approval, **{"answers.amount": "3"}).status_code == 302
    assert approval_of(approval.run).answers == {"amount": 3, "note": "none"}


def test_who_rejects_need_not_fill_in_the_form(run: Run, operator: Client) -> None:
    approval = approval_of(run(asking(form_schema=FORM)))
    assert decide(operator, approval, "reject", comment="No.", **{"answers.amount": "many"}).status_code == 302
    assert approval_of(approval.run).status == "rejected"


def test_it_is_decided_once(run: Run, operator: Client) -> None:
    approval = approval_of(run(asking()))
    decide(operator, approval)
    assert "approved already by oscar@example.com" in told(decide(operator, approval, "reject"))
    assert approval_of(approval.run).status == "approved"


def test_deciding_is_a_post_with_a_decision(run: Run, operator: Client) -> None:
    approval = approval_of(run(asking()))
    assert operator.get(page(approval, "decide/")).status_code == 405
    assert operator.post(page(approval)).status_code == 405
    assert decide(operator, approval, "perhaps").status_code == 400
    assert decide(operator, approval, "").status_code == 400
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="oscar"), backend="django.contrib.auth.backends.ModelBackend")
    assert decide(strict, approval).status_code == 403
    assert approval_of(approval.run).is_pending


def test_viewers_look_others_see_nothing(run: Run, bob: User, mallory: User) -> None:
    asked = run(asking())
    approval = approval_of(asked)
    viewer, stranger = signed_in(bob), signed_in(mallory)
    text = html(viewer.get(page(approval)))
    assert "does not allow" in text and 'value="approve"' not in text
    assert decide(viewer, approval).status_code == 403
    assert 'value="approve_selected"' not in html(viewer.get(LIST))
    assert 'value="approve"' not in html(viewer.get(f"/admin/runs_app/workflowrun/{asked.pk}/change/"))
    assert stranger.get(page(approval)).status_code == 404
    assert decide(stranger, approval).status_code == 404
    assert str(approval.pk) not in html(stranger.get(LIST))
    assert approval_of(asked).is_pending


def test_who_is_not_meant_is_told_who_is(run: Run, operator: Client) -> None:
    approval = approval_of(run(asking(approvers=["legal@example.com"])))
    text = html(operator.get(page(approval)))
    assert "Only legal@example.com may decide" in text and 'value="approve"' not in text
    assert "Only legal@example.com" in told(decide(operator, approval))
    assert approval_of(approval.run).is_pending


def test_one_of_two_waits_for_the_other(run: Run, operator: Client, alice: User) -> None:
    approval = approval_of(run(asking(required=2)))
    assert "1 of 2 approved" in told(decide(operator, approval))
    text = html(operator.get(page(approval)))
    assert "it waits for others" in text and 'value="approve"' not in text
    assert "approved" in told(decide(signed_in(alice), approval))
    assert approval_of(approval.run).status == "approved"


@pytest.mark.parametrize(("action", "status"), [("approve_selected", "approved"), ("reject_selected", "rejected")])
def test_many_are_decided_at_once_with_a_comment(run: Run, operator: Client, action: str, status: str) -> None:
    approvals = [approval_of(run(asking(title=f"Question {number}"))) for number in range(3)]
    decide(operator, approvals[2], comment="Before.")
    body = {"action": action, "_selected_action": [str(approval.pk) for approval in approvals]}
    asked = html(operator.post(LIST, body))
    assert "Question 0" in asked and "Question 1" in asked and "1 of those selected is decided already" in asked
    assert Approval.objects.for_tenant("acme").pending().count() == 2

    done = operator.post(LIST, {**body, "decide": "yes", "comment": "All fine."})
    assert f"2 {status}." in told(done)
    found = Approval.objects.for_tenant("acme").order_by("approval_id").values_list("status", "comment")
    assert list(found) == [(status, "All fine."), (status, "All fine."), ("approved", "Before.")]


def test_those_that_need_answers_are_told_and_left(run: Run, operator: Client) -> None:
    plain, form = approval_of(run(asking())), approval_of(run(asking(title="Form", form_schema=FORM)))
    body = {"action": "approve_selected", "_selected_action": [str(plain.pk), str(form.pk)]}
    assert "asks for answers" in html(operator.post(LIST, body))
    done = told(operator.post(LIST, {**body, "decide": "yes", "comment": ""}))
    assert "1 approved." in done and "Form: The answers do not fit" in done
    assert approval_of(form.run).is_pending and not approval_of(plain.run).is_pending


def test_viewers_and_strangers_cannot_decide_many(run: Run, bob: User, mallory: User) -> None:
    approval = approval_of(run(asking()))
    body = {"action": "approve_selected", "_selected_action": [str(approval.pk)], "decide": "yes", "comment": ""}
    for user in (bob, mallory):
        signed_in(user).post(LIST, body)
    assert approval_of(approval.run).is_pending


def test_the_runs_page_offers_to_decide(run: Run, drive: Callable[[], int], operator: Client) -> None:
    asked = run(choosing(description="Version 7"))
    approval, address = approval_of(asked), f"/admin/runs_app/workflowrun/{asked.pk}/"
    for rest in ("change/", "live/"):
        text = html(operator.get(address + rest))
        assert "Deploy to production?" in text and f'formaction="{page(approval, "decide/")}?back=run"' in text
    answer = decide(operator, approval, "reject", "?back=run")
    assert answer["Location"] == f"{address}change/"
    drive()
    assert "formaction" not in html(operator.get(f"{address}live/"))
    assert approval_of(asked).status == "rejected"


def test_pending_ones_are_counted_in_the_side_bar_and_on_the_front_page(run: Run, operator: Client) -> None:
    badge = '<span class="hw-badge-count'
    assert badge not in html(operator.get("/admin/"))
    run(asking())
    text = html(operator.get("/admin/"))
    assert "wait for a person" in text
    assert text[text.index(badge) :].partition(">")[2].startswith("1<")


def test_the_list_costs_the_same_for_one_and_for_twenty(run: Run, operator: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(LIST).status_code == 200
        return len(queries)

    run(asking())
    count()
    one = count()
    for _ in range(19):
        run(asking())
    assert count() == one


def test_an_unknown_one_is_not_there(operator: Client) -> None:
    unused = "0190aaaa-0000-7000-8000-000000000000"
    for path in (f"{unused}/change/", "x/change/", f"{unused}/decide/"):
        assert operator.post(f"{LIST}{path}", {"decision": "approve"}).status_code in (404, 405)
    assert operator.get(f"{LIST}{unused}/change/").status_code == 404
