from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tenants_app.models import Tenant, User
from tests.triggers.conftest import LOGGING, MakeTemplate, MakeTrigger, deliveries, runs
from triggers_app.actions import dispatch_events, emit_event, update_trigger
from triggers_app.models import EventTrigger

FORM = {
    "name": "",
    "event_type": "order_placed",
    "filter_expression": "",
    "source_match": "",
    "subject_match": "",
    "template": "",
    "template_version": "",
    "workflow_definition": json.dumps(LOGGING),
    "input_mapping": "",
    "mode": "live",
    "max_depth": "5",
    "enabled": "on",
}


@pytest.fixture
def browser(alice: User) -> Client:
    """The admin as alice, admin of acme, sees it."""
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def viewer(bob: User) -> Client:
    client = Client()
    client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(kind: str, *rest: object) -> str:
    return "/".join(["/admin/triggers_app", kind, *map(str, rest), ""])


def test_a_trigger_is_made_changed_and_deleted(browser: Client, tenant: Tenant, make_template: MakeTemplate) -> None:
    made = browser.post(url("eventtrigger", "add"), {**FORM, "filter_expression": '{"shop": "eu-*"}'})
    assert made.status_code == 302
    trigger = EventTrigger.objects.for_tenant(tenant).get()
    assert (trigger.name, trigger.filter_expression) == ("order_placed-1", {"shop": "eu-*"})
    assert trigger.workflow_definition == LOGGING

    template = make_template("greet")
    changed = {**FORM, "name": "mine", "template": str(template.pk), "workflow_definition": ""}
    assert browser.post(url("eventtrigger", trigger.pk, "change"), changed).status_code == 302
    trigger.refresh_from_db()
    assert (trigger.name, trigger.template, trigger.filter_expression) == ("mine", template, None)

    assert browser.post(url("eventtrigger", trigger.pk, "delete"), {"post": "yes"}).status_code == 302
    assert not EventTrigger.objects.for_tenant(tenant).exists()


def test_a_refusal_is_shown_at_its_field_with_what_was_typed(browser: Client, tenant: Tenant) -> None:
    page = browser.post(url("eventtrigger", "add"), {**FORM, "filter_expression": '{"shop": [{"changed": true}]}'})
    assert page.status_code == 200
    text = page.content.decode()
    assert "The operator &quot;changed&quot; is not available" in text
    assert "order_placed" in text
    assert not EventTrigger.objects.for_tenant(tenant).exists()


def test_pausing_is_a_post(browser: Client, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    path = url("eventtrigger", trigger.pk, "do", "pause")
    assert browser.get(path).status_code == 405
    assert browser.post(path).status_code == 302
    trigger.refresh_from_db()
    assert not trigger.enabled
    browser.post(url("eventtrigger"), {"action": "resume_selected", "_selected_action": [str(trigger.pk)]})
    trigger.refresh_from_db()
    assert trigger.enabled


def test_a_viewer_changes_nothing(viewer: Client, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    assert viewer.get(url("eventtrigger", trigger.pk, "change")).status_code == 200
    for path in (url("eventtrigger", trigger.pk, "do", "pause"), url("eventtrigger", "add")):
        assert viewer.post(path, FORM).status_code == 403
    assert viewer.post(url("eventtrigger", trigger.pk, "delete"), {"post": "yes"}).status_code == 403


def test_pages_of_another_tenant_do_not_exist(browser: Client, other_tenant: Tenant, make_trigger: MakeTrigger) -> None:
    theirs = make_trigger(of=other_tenant, name="theirs")
    emit_event(other_tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = deliveries(other_tenant)
    for path in (
        url("eventtrigger", theirs.pk, "change"),
        url("event", delivery.event_id, "change"),
        url("triggerdelivery", delivery.pk, "change"),
    ):
        assert browser.get(path).status_code == 404
    for kind in ("eventtrigger", "event", "triggerdelivery"):
        assert b"theirs" not in browser.get(url(kind)).content
    assert browser.post(url("eventtrigger", theirs.pk, "do", "pause")).status_code == 404


def test_the_form_is_tested_live_against_a_real_event(
    browser: Client, tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    trigger = make_trigger()
    event = emit_event(tenant, "order_placed", {"shop": "<b>us</b>"})
    page = browser.get(url("eventtrigger", trigger.pk, "change")).content.decode()
    assert str(event.pk) in page
    assert "triggers_app/trial.js" in page

    def trial(**fields: Any) -> str:
        sent = {**FORM, "event": str(event.pk), **fields}
        answer = browser.post(url("eventtrigger", "trial"), sent)
        assert answer.status_code == 200
        return answer.content.decode()

    assert "✓ This event matches." in trial()
    told = trial(filter_expression='{"shop": "eu-*"}')
    assert "✗ This event does not match." in told
    assert "&lt;b&gt;us&lt;/b&gt;" in told
    assert "The filter: Not JSON" in trial(filter_expression="{")
    assert "An empty list" in trial(filter_expression='{"shop": []}')
    assert "does not exist" in trial(input_mapping='{"to": "${event.payload.email}"}')
    assert "Choose an event." in trial(event="")
    trigger.refresh_from_db()
    assert trigger.filter_expression is None


def test_a_viewer_tests_the_trigger_as_it_is_stored(viewer: Client, tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(filter_expression={"shop": "eu-*"})
    event = emit_event(tenant, "order_placed", {"shop": "eu-1"})
    assert str(trigger.pk) in viewer.get(url("eventtrigger", trigger.pk, "change")).content.decode()
    sent = {"trigger": str(trigger.pk), "event": str(event.pk)}
    assert "✓ This event matches." in viewer.post(url("eventtrigger", "trial"), sent).content.decode()


def test_a_foreign_event_cannot_be_tested(browser: Client, other_tenant: Tenant) -> None:
    event = emit_event(other_tenant, "order_placed", {"secret": "plan"})
    answer = browser.post(url("eventtrigger", "trial"), {**FORM, "event": str(event.pk)})
    assert "Choose an event." in answer.content.decode()


def test_an_event_shows_its_payload_and_deliveries(browser: Client, tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(name="mine")
    event = emit_event(tenant, "order_placed", {"shop": "<eu>"})
    dispatch_events()
    page = browser.get(url("event", event.pk, "change")).content.decode()
    assert "&lt;eu&gt;" in page
    assert "mine" in page
    assert str(runs(tenant)[0].pk) in page
    assert browser.post(url("event", event.pk, "change"), {"type": "x"}).status_code == 403
    for kind in ("event", "triggerdelivery", "eventtrigger"):
        assert browser.get(url(kind)).status_code == 200


def test_a_failed_delivery_is_retried_from_its_page_and_from_the_list(
    browser: Client, viewer: Client, tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger(input_mapping={"to": "${event.payload.email}"})
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = deliveries(tenant)
    page = browser.get(url("triggerdelivery", delivery.pk, "change")).content.decode()
    assert "Retry" in page
    assert browser.post(url("triggerdelivery", delivery.pk, "do", "retry")).status_code == 302
    browser.post(url("triggerdelivery"), {"action": "retry_selected", "_selected_action": [str(delivery.pk)]})
    assert viewer.post(url("triggerdelivery", delivery.pk, "do", "retry")).status_code == 403
    delivery.refresh_from_db()
    assert delivery.attempts == 3


def test_an_event_tells_why_each_trigger_does_or_does_not_answer(
    browser: Client, tenant: Tenant, other_tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    make_trigger(name="the hit")
    make_trigger(name="the miss", filter_expression={"shop": "us-*"})
    make_trigger(name="the paused", event_type="order_*", enabled=False)
    make_trigger(name="of another type", event_type="user_created")
    make_trigger(name="theirs", of=other_tenant)
    event = emit_event(tenant, "order_placed", {"shop": "<eu>"})
    dispatch_events()

    page = browser.get(url("event", event.pk, "change")).content.decode()
    answers = page[page.index('id="answers"') :]
    assert answers.index("the hit") < answers.index("the paused") < answers.index("the miss")
    assert "us-*" in answers and "&lt;eu&gt;" in answers
    assert "The trigger is paused." in answers
    assert "of another type" not in page and "theirs" not in page


def test_the_failed_deliveries_of_an_event_are_retried_from_its_page_and_from_the_list(
    browser: Client, viewer: Client, tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    trigger = make_trigger(input_mapping={"to": "${event.payload.email}"})
    make_trigger()
    event = emit_event(tenant, "order_placed", {})
    dispatch_events()
    path = url("event", event.pk, "do", "retry_failed")
    assert viewer.post(path).status_code == 403
    assert "Retry failed deliveries" in browser.get(url("event", event.pk, "change")).content.decode()
    assert "1 failed, 1 submitted" in browser.get(url("event")).content.decode()

    told = browser.post(path, follow=True).content.decode()
    assert "Retried: 1 failed." in told
    update_trigger(trigger, {"input_mapping": None})
    chosen = {"action": "retry_selected", "_selected_action": [str(event.pk)]}
    assert "1 retried." in browser.post(url("event"), chosen, follow=True).content.decode()
    assert len(runs(tenant)) == 2
    again = browser.post(url("event"), chosen, follow=True).content.decode()
    assert "None of this event&#x27;s deliveries has failed" in again
    assert "Retry failed deliveries</button>" not in browser.get(url("event", event.pk, "change")).content.decode()


def test_events_are_found_by_what_became_of_them(browser: Client, tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(event_type="failing", input_mapping={"to": "${event.payload.email}"})
    make_trigger(event_type="good")
    for event_type in ("failing", "good", "unheard"):
        emit_event(tenant, event_type, {}, subject=f"subject-{event_type}")
    dispatch_events()
    emit_event(tenant, "good", {}, subject="subject-waiting")

    def found(fate: str) -> set[str]:
        page = browser.get(url("event"), {"fate": fate})
        return {event.subject.removeprefix("subject-") for event in page.context["cl"].result_list}

    assert found("failed") == {"failing"}
    assert found("delivered") == {"failing", "good"}
    assert found("waiting") == {"waiting"}
    assert "unheard" in found("unheard") and not found("unheard") & {"failing", "good", "waiting"}


def test_a_trigger_shows_its_deliveries_and_what_the_form_means(
    browser: Client, tenant: Tenant, make_trigger: MakeTrigger
) -> None:
    trigger = make_trigger()
    event = emit_event(tenant, "order_placed", {})
    dispatch_events()

    page = browser.get(url("eventtrigger", trigger.pk, "change")).content.decode()
    assert str(runs(tenant)[0].pk) in page
    assert url("event", event.pk, "change") in page
    assert "approval_pending" in page and "workflow_name" in page
    changed = {**FORM, "name": trigger.name, "max_depth": "7"}
    assert browser.post(url("eventtrigger", trigger.pk, "change"), changed).status_code == 302
    trigger.refresh_from_db()
    assert trigger.max_depth == 7


def test_what_will_hardly_work_is_told_when_it_is_saved(browser: Client, tenant: Tenant) -> None:
    typed = {**FORM, "event_type": "workflow_failed", "filter_expression": '{"workflow_nmae": "x"}'}
    page = browser.post(url("eventtrigger", "add"), typed, follow=True).content.decode()
    assert "workflow_failed events have no `workflow_nmae`" in page


def test_a_mapping_that_does_not_fit_the_template_is_refused_at_its_field(
    browser: Client, tenant: Tenant, make_template: MakeTemplate
) -> None:
    schema = {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}
    template = make_template(input_schema=schema)
    typed = {**FORM, "template": str(template.pk), "workflow_definition": "", "input_mapping": '{"emial": "${x}"}'}
    page = browser.post(url("eventtrigger", "add"), typed)
    assert page.status_code == 200
    errors = page.context["adminform"].form.errors["input_mapping"]
    assert errors == ["The template needs the input `email`.", "emial: The template has no such input. It has email."]
    assert not EventTrigger.objects.for_tenant(tenant).exists()


def test_lists_and_pages_cost_the_same_however_much_they_show(
    browser: Client, tenant: Tenant, make_trigger: MakeTrigger, django_assert_max_num_queries: Any
) -> None:
    triggers = [make_trigger() for _ in range(6)]
    events = [emit_event(tenant, "order_placed", {}) for _ in range(6)]
    dispatch_events()
    pages = [url("event"), url("triggerdelivery"), url("eventtrigger")]
    pages += [url("event", events[0].pk, "change"), url("eventtrigger", triggers[0].pk, "change")]
    for page in pages:
        browser.get(page)
        with django_assert_max_num_queries(26):
            assert browser.get(page).status_code == 200
