from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from highway_automation.base.db import savepoint
from highway_automation.base.errors import Conflict, HighwayError, Invalid, NotFound
from templates_app.actions import delete_template, set_enabled, update_template
from tenants_app.models import Tenant
from tests.triggers.conftest import LOGGING, MakeTemplate, MakeTrigger, deliveries, runs
from triggers_app.actions import (
    create_trigger,
    delete_trigger,
    dispatch_events,
    emit_event,
    pause_trigger,
    retry_delivery,
    update_trigger,
)
from triggers_app.models import EventTrigger, TriggerDelivery

SCHEMA = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "format": "email"},
        "times": {"type": "integer", "default": 2},
        "tone": {"enum": ["kind", "firm"]},
    },
    "required": ["to", "times"],
    "additionalProperties": False,
}


def refused(tenant: Tenant, **values: Any) -> dict[str, str]:
    """Field → message of what is wrong with a trigger of these values."""
    with pytest.raises(Invalid) as error:
        create_trigger(tenant, {"event_type": "order_placed", "workflow_definition": LOGGING, **values})
    assert not EventTrigger.objects.for_tenant(tenant).exists()
    return {problem["field"]: problem["message"] for problem in error.value.errors}


def test_a_trigger_without_a_name_is_numbered(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    first, second = make_trigger(), make_trigger()
    delete_trigger(first)
    names = [make_trigger().name, make_trigger(event_type="order_*").name, make_trigger(name="mine").name]

    assert [first.name, second.name, *names] == [
        "order_placed-1",
        "order_placed-2",
        "order_placed-1",
        "order_*-1",
        "mine",
    ]


def test_a_name_belongs_to_its_tenant(tenant: Tenant, other_tenant: Tenant, make_trigger: MakeTrigger) -> None:
    make_trigger(name="mine")
    make_trigger(name="mine", of=other_tenant)
    with pytest.raises(Conflict, match="There is a trigger named 'mine' already."):
        make_trigger(name="mine")


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"event_type": ""}, "event_type", "blank"),
        ({"event_type": "x" * 101}, "event_type", "at most 100"),
        ({"filter_expression": {"a": {"b": []}}}, "filter_expression.a.b", "An empty list matches nothing"),
        ({"filter_expression": {"a": [{"changed": True}]}}, "filter_expression.a[0]", '"changed" is not available'),
        ({"filter_expression": "critical_*"}, "filter_expression", "A filter is an object"),
        ({"filter_expression": {"a": "\x00"}}, "filter_expression", "NUL"),
        ({"workflow_definition": None}, "workflow_definition", "exactly one"),
        ({"workflow_definition": {"name": "x"}}, "workflow_definition.tasks", ""),
        ({"template_version": 1}, "template_version", "Only a template has versions"),
        ({"mode": "loud"}, "mode", "not a valid choice"),
        ({"max_depth": 101}, "max_depth", "0 to 100"),
        ({"input_mapping": ["a"]}, "input_mapping", "A mapping is an object"),
        ({"input_mapping": {"a": "${event.payload.x | nonsense}"}}, "input_mapping.a", ""),
        ({"input_mapping": {"a": ["${secrets.KEY}"]}}, "input_mapping.a", "`secrets` has no meaning here"),
        ({"input_mapping": {"a": "${steps.x.output}"}}, "input_mapping.a", "`steps` has no meaning here"),
        ({"input_mapping": {"a": "${event.kind}"}}, "input_mapping.a", "Of the event there are event.event_id"),
    ],
)
def test_what_is_wrong_is_refused_by_field(tenant: Tenant, values: dict[str, Any], field: str, says: str) -> None:
    problems = refused(tenant, **values)
    assert field in problems
    assert says in problems[field]


def test_a_trigger_starts_exactly_one_thing(tenant: Tenant, make_template: MakeTemplate) -> None:
    assert "exactly one" in refused(tenant, template=make_template())["template"]


def test_the_database_refuses_what_starts_nothing(tenant: Tenant) -> None:
    rows = EventTrigger.objects.for_tenant(tenant)
    with pytest.raises(IntegrityError), savepoint():
        rows.create(name="none", event_type="x")


def test_a_trigger_runs_the_current_version_of_its_template(
    tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    make_trigger(template=make_template("greet"))
    emit_event(tenant, "order_placed", {"any": 1})
    dispatch_events()

    (run,) = runs(tenant)
    assert (run.workflow_name, run.template_version, run.inputs) == ("greet", 1, {"any": 1})


def test_a_pinned_version_stays(tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger) -> None:
    template = make_template("greet")
    make_trigger(template=template, template_version=1)
    make_trigger(template=template)
    update_template(template, {"input_schema": {"type": "object"}})
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    assert [run.template_version for run in runs(tenant)] == [1, 2]


def test_a_version_that_does_not_exist_is_refused(tenant: Tenant, make_template: MakeTemplate) -> None:
    problems = refused(tenant, workflow_definition=None, template=make_template("greet"), template_version=7)
    assert problems == {"template_version": "Template greet has no version 7."}


def test_another_tenants_template_does_not_exist(
    tenant: Tenant, other_tenant: Tenant, make_template: MakeTemplate
) -> None:
    foreign = make_template("greet", of=other_tenant)
    assert refused(tenant, workflow_definition=None, template=foreign) == {"template": "There is no such template."}


def test_a_mapping_makes_the_inputs(tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger) -> None:
    template = make_template("mail", input_schema=SCHEMA)
    make_trigger(template=template, input_mapping={"to": "${event.payload.user.email}", "tone": "kind"})
    make_trigger(template=template, input_mapping={"to": "${user.email}", "times": "${event.depth}"})
    emit_event(tenant, "order_placed", {"user": {"email": "a@example.com"}})
    dispatch_events()

    assert [run.inputs for run in runs(tenant)] == [
        {"to": "a@example.com", "tone": "kind", "times": 2},
        {"to": "a@example.com", "times": 0},
    ]


@pytest.mark.parametrize(
    ("mapping", "field", "says"),
    [
        ({}, "input_mapping", "The template needs the input `to`."),
        ({"to": "${event.payload.email}", "cc": "x"}, "input_mapping.cc", "The template has no such input."),
        ({"to": "${event.payload.email}", "tone": "rude"}, "input_mapping.tone", "kind"),
        ({"to": "nobody"}, "input_mapping.to", "email"),
    ],
)
def test_a_mapping_is_checked_against_the_schema_as_far_as_it_is_known(
    tenant: Tenant, make_template: MakeTemplate, mapping: dict[str, Any], field: str, says: str
) -> None:
    template = make_template("mail", input_schema=SCHEMA)
    problems = refused(tenant, workflow_definition=None, template=template, input_mapping=mapping)
    assert list(problems) == [field]
    assert says in problems[field]


def test_an_input_nobody_declared_is_refused_unless_the_schema_welcomes_more(
    tenant: Tenant, make_template: MakeTemplate
) -> None:
    mapping = {"to": "${event.payload.email}", "subjct": "Hello"}
    declared: dict[str, Any] = {"type": "object", "properties": {"to": {}, "subject": {}}}
    strict = make_template("strict", input_schema=declared)
    problems = refused(tenant, workflow_definition=None, template=strict, input_mapping=mapping)
    assert problems == {"input_mapping.subjct": "The template has no such input. It has subject, to."}

    welcomes: list[dict[str, Any]] = [{"additionalProperties": True}, {"allOf": [{"properties": {"subjct": {}}}]}]
    for number, more in enumerate(welcomes):
        welcoming = make_template(f"welcoming-{number}", input_schema={**declared, **more})
        create_trigger(tenant, {"event_type": "x", "template": welcoming, "input_mapping": mapping})
    for number, anything in enumerate((None, {"type": "object"})):
        template = make_template(f"anything-{number}", input_schema=anything)
        create_trigger(tenant, {"event_type": "x", "template": template, "input_mapping": mapping})


EMAIL_AND_TONE = {"email": {}, "tone": {"default": "kind"}}
NEEDS_EMAIL = {"type": "object", "properties": EMAIL_AND_TONE, "required": ["email", "tone"]}


@pytest.mark.parametrize(
    ("values", "schema", "told"),
    [
        ({"event_type": "order_placed"}, NEEDS_EMAIL, "template needs `email`: an event without starts nothing"),
        ({"event_type": "user_created"}, NEEDS_EMAIL, ""),
        ({"event_type": "api_key_created"}, NEEDS_EMAIL, "template needs `email`"),
        ({"event_type": "order_placed"}, {"type": "object"}, ""),
        ({"event_type": "user_created"}, {**NEEDS_EMAIL, "additionalProperties": False}, "takes only its own"),
        ({"event_type": "workflow_failed", "filter_expression": {"workflow_nmae": "x"}}, None, "no `workflow_nmae`"),
        ({"event_type": "workflow_failed", "filter_expression": {"detail": {"error": "x*"}}}, None, ""),
        ({"event_type": "workflow_failed", "filter_expression": {"$event.source": "x"}}, None, ""),
        ({"event_type": "workflow_*", "filter_expression": {"workflow_nmae": "x"}}, None, ""),
        (
            {"event_type": "user_created", "input_mapping": {"to": "${emial}"}},
            None,
            "no `emial`; they have",
        ),
        ({"event_type": "user_created", "input_mapping": {"to": "${event.payload.emial}"}}, None, "no `emial`"),
        ({"event_type": "user_created", "input_mapping": {"to": "${emial | default('x')}"}}, None, ""),
        ({"event_type": "user_created", "input_mapping": {"to": "${email} ${event.type}"}}, None, ""),
    ],
)
def test_what_will_hardly_work_is_a_warning(
    tenant: Tenant, make_template: MakeTemplate, values: dict[str, Any], schema: dict[str, Any] | None, told: str
) -> None:
    _trigger, warnings = create_trigger(tenant, {"template": make_template(input_schema=schema), **values})
    assert len(warnings) == bool(told)
    assert told in str(warnings)


def test_inputs_that_do_not_fit_fail_the_delivery_with_the_field(
    tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    make_trigger(template=make_template("mail", input_schema=SCHEMA), input_mapping={"to": "${event.payload.email}"})
    emit_event(tenant, "order_placed", {"email": 7})
    dispatch_events()

    (delivery,) = deliveries(tenant)
    assert delivery.outcome == "failed"
    assert "to" in delivery.error


def test_a_disabled_template_starts_nothing(
    tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    template = make_template("greet")
    make_trigger(template=template)
    set_enabled(template, False)
    emit_event(tenant, "order_placed", {})
    dispatch_events()

    assert [delivery.error for delivery in deliveries(tenant)] == ["Template greet is disabled."]


def test_a_template_in_use_is_not_deleted(
    tenant: Tenant, make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    template = make_template("greet")
    trigger = make_trigger(template=template, name="greets")
    with pytest.raises(Conflict, match="trigger greets"):
        delete_template(template)
    delete_trigger(trigger)
    delete_template(template)


def test_naming_a_template_lets_go_of_the_definition_and_back(
    make_template: MakeTemplate, make_trigger: MakeTrigger
) -> None:
    trigger = make_trigger()
    changed, _warnings = update_trigger(trigger, {"template": make_template("greet")})
    assert (changed.workflow_definition, changed.definition) == (None, None)
    changed, _warnings = update_trigger(trigger, {"workflow_definition": LOGGING})
    assert changed.template is None
    assert changed.definition is not None


def test_a_refused_change_changes_nothing(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(name="mine")
    with pytest.raises(HighwayError):
        update_trigger(trigger, {"name": "other", "filter_expression": {"a": []}})
    trigger.refresh_from_db()
    assert trigger.name == "mine"


def test_deliveries_outlive_their_trigger_and_keep_its_name(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(name="mine")
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    delete_trigger(trigger)

    (delivery,) = deliveries(tenant)
    assert (delivery.trigger, delivery.trigger_name, delivery.outcome) == (None, "mine", "submitted")


def test_a_deleted_trigger_is_not_found(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    delete_trigger(EventTrigger.objects.for_tenant(trigger.tenant_id).get())
    for verb in (pause_trigger, delete_trigger):
        with pytest.raises(NotFound):
            verb(trigger)


def test_only_a_failed_delivery_is_retried(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(input_mapping={"to": "${event.payload.email}"})
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    (delivery,) = deliveries(tenant)
    again = retry_delivery(delivery)
    assert (again.outcome, again.attempts) == ("failed", 2)

    update_trigger(trigger, {"input_mapping": {"to": "${event.payload.email | default('nobody')}"}})
    assert retry_delivery(delivery).outcome == "submitted"
    with pytest.raises(Conflict, match="Cannot retry this delivery while it is submitted."):
        retry_delivery(delivery)
    assert len(runs(tenant)) == 1


def test_a_delivery_whose_trigger_is_gone_is_not_retried(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(input_mapping={"to": "${event.payload.email}"})
    emit_event(tenant, "order_placed", {})
    dispatch_events()
    delete_trigger(trigger)
    with pytest.raises(Conflict, match="no longer exists"):
        retry_delivery(deliveries(tenant)[0])


def test_one_row_per_event_trigger_and_replay(tenant: Tenant, make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    event = emit_event(tenant, "order_placed", {})
    rows = TriggerDelivery.objects.for_tenant(tenant)
    rows.create(event=event, trigger=trigger, outcome="submitted")
    rows.create(event=event, trigger=trigger, outcome="submitted", replay_id=uuid4())
    with pytest.raises(IntegrityError), savepoint():
        rows.create(event=event, trigger=trigger, outcome="submitted")


def test_warnings_about_the_definition_are_handed_back(tenant: Tenant) -> None:
    unknown = {**LOGGING, "tasks": {"note": {**LOGGING["tasks"]["note"], "function": "tools.no.such"}}}
    _trigger, warnings = create_trigger(tenant, {"event_type": "x", "workflow_definition": unknown})
    assert any("tools.no.such" in warning["message"] for warning in warnings)
