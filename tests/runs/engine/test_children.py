"""Runs that steps start: their results, failures, ends together, and that a crash starts none twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runs_app.actions import cancel_run, publish_name, store_definition, sweep
from runs_app.actions.cancel import cancel_orphans
from runs_app.actions.children import DEEPEST
from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from runs_app.models import WorkflowRun
from templates_app.actions import create_template, find_template, set_enabled
from tenants_app.actions import set_variable
from tenants_app.models import Tenant
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import branches, hear, step, task, wait

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Any]
Run = Callable[..., Any]
Publish = Callable[..., Any]


@pytest.fixture
def publish(tenant: Tenant) -> Publish:
    def publish_definition(name: str, definition: Any, version: int = 1, owner: Tenant = tenant) -> Any:
        stored, _ = store_definition(owner, definition)
        publish_name(owner, name, version, stored)
        return stored

    return publish_definition


def call(task_id: str = "call", name: str = "child", /, **more: Any) -> dict[str, Any]:
    kwargs = {"workflow_name": name, **more.pop("kwargs", {})}
    return {**task(task_id, "tools.workflow.execute"), "kwargs": kwargs, "result_key": "got", **more}


def children(run: WorkflowRun) -> list[WorkflowRun]:
    rows = WorkflowRun.objects.for_tenant(run.tenant_id).filter(cause_kind="parent", cause_id=str(run.pk))
    return list(rows.order_by("workflow_run_id"))


def test_the_result_of_the_child_is_the_steps(run: Run, publish: Publish) -> None:
    publish("child", workflow(shell("old", "echo old")))
    publish("child", workflow(shell("say", "echo {{inputs.n}}", result_key="said")), version=2)
    parent = run(
        workflow(
            {**call(kwargs={"inputs": {"n": "{{inputs.n}}"}}), "function": "workflow.execute"},
            shell("show", "echo {{got.said.stdout}} {{got.output.returncode}}", "call"),
        ),
        {"n": 5},
    )
    assert parent.status == "completed", parent.error
    assert parent.result["show"]["stdout"] == "5 0\n"
    (child,) = children(parent)
    assert (child.workflow_name, child.template_version, child.inputs) == ("child", 2, {"n": 5})
    assert (child.parent_run_id, child.root_run_id, child.nesting) == (parent.pk, parent.pk, 1)


def test_a_definition_may_be_named_by_its_id(run: Run, publish: Publish, other_tenant: Tenant) -> None:
    mine = publish("child", workflow(shell("say", "echo hi")))
    theirs = publish("secret", workflow(shell("say", "echo hi")), owner=other_tenant)
    by_id = {"workflow_name": None, "definition_id": str(mine.pk)}
    assert run(workflow(call(kwargs=by_id))).result["got"]["output"]["stdout"] == "hi\n"
    for kwargs in ({**by_id, "definition_id": str(theirs.pk)}, {**by_id, "definition_id": "x"}, {"definition_id": "x"}):
        assert run(workflow(call(kwargs=kwargs))).status == "failed"
    refused = run(workflow(call("call", "secret")))
    assert "There is no workflow 'secret'" in refused.error
    assert not WorkflowRun.objects.for_tenant(other_tenant).exists()


def test_a_failed_child_fails_the_step_and_a_retry_starts_another(
    run: Run, drive: Any, publish: Publish, move_clock: Any
) -> None:
    publish("child", workflow(shell("say", "echo broken >&2; exit 4")))
    parent = run(workflow(call(retry_policy={"max_retries": 1, "delay": 5})))
    assert parent.status == "sleeping"
    move_clock(seconds=6)
    drive()
    parent.refresh_from_db()
    assert (parent.status, "child has failed" in parent.error) == ("failed", True), parent.error
    assert [child.status for child in children(parent)] == ["failed", "failed"]
    output: Any = step(parent, "call").output
    assert output["workflow_run_id"] == str(children(parent)[-1].pk)


def test_the_parent_waits_without_a_thread_and_wakes_once(start: Start, drive: Any, publish: Publish) -> None:
    publish("child", workflow(hear("hear", "go")))
    parent = start(workflow(call()))
    drive()
    parent.refresh_from_db()
    (child,) = children(parent)
    assert (parent.status, child.status) == ("sleeping", "sleeping")
    parked: Any = step(parent, "call").parked
    assert parked["note"] == f"run {child.pk} of child"
    cancel_run(child, actor=None)
    drive()
    parent.refresh_from_db()
    assert "child was cancelled" in parent.error


def test_a_child_that_ends_before_its_parent_parks(start: Start, drive: Any, publish: Publish) -> None:
    publish("child", workflow(shell("say", "echo hi")))
    parent = start(workflow(call()))
    (taken,) = claim("w", 1)
    slow = Drive(taken)
    outcome = slow._perform(slow.scope)
    drive()
    assert children(parent)[0].status == "completed"
    slow._commit(outcome)
    assert branches(parent).get().status == "ready"
    drive()
    parent.refresh_from_db()
    assert parent.status == "completed", parent.error


def test_a_crash_starts_no_second_child(start: Start, drive: Any, publish: Publish) -> None:
    publish("child", workflow(shell("say", "echo {{env.WORD | default('none')}}")))
    parent = start(workflow(call(kwargs={"inputs": {"word": "{{env.WORD | default('none')}}"}})))
    (taken,) = claim("dying", 1)
    dying = Drive(taken)
    dying._perform(dying.scope)
    set_variable(parent.tenant, "WORD", "changed meanwhile")
    branches(parent).update(lease_until=parent.created_at)
    sweep()
    drive()
    parent.refresh_from_db()
    assert (parent.status, len(children(parent))) == ("completed", 1), parent.error


def test_children_end_with_their_parent(run: Run, drive: Any, publish: Publish) -> None:
    publish("grandchild", workflow(hear("hear", "go")))
    publish("child", workflow(call("call", "grandchild")))
    parent = run(workflow(call()))
    (child,) = children(parent)
    (grandchild,) = children(child)
    cancel_run(parent, actor=None)
    for each in (child, grandchild):
        each.refresh_from_db()
        assert (each.status, each.error) == ("cancelled", "Cancelled: its parent ended.")
    assert drive() == 0


def test_children_of_a_parent_that_ended_otherwise_are_swept(run: Run, publish: Publish) -> None:
    publish("child", workflow(hear("hear", "go")))
    parent = run(workflow(call()))
    WorkflowRun.objects.for_tenant(parent.tenant_id).filter(pk=parent.pk).update(status="failed")
    assert (cancel_orphans(), cancel_orphans()) == (1, 0)
    assert children(parent)[0].status == "cancelled"


def test_a_child_that_nobody_waits_for_outlives_its_parent(run: Run, drive: Any, publish: Publish) -> None:
    publish("child", workflow(wait("nap", "PT1H")))
    parent = run(workflow(call(kwargs={"wait": False})))
    (child,) = children(parent)
    assert (parent.status, parent.result["got"]["workflow_run_id"]) == ("completed", str(child.pk))
    assert cancel_orphans() == 0
    drive()
    child.refresh_from_db()
    assert (child.status, child.parent_run_id, child.root_run_id) == ("sleeping", None, parent.pk)


def test_the_steps_timeout_ends_the_child(run: Run, drive: Any, publish: Publish, move_clock: Any) -> None:
    publish("child", workflow(hear("hear", "go")))
    parent = run(workflow(call(timeout_policy={"timeout": "PT1M"})))
    move_clock(seconds=61)
    drive()
    parent.refresh_from_db()
    assert "took longer than the step's timeout" in parent.error
    assert children(parent)[0].status == "cancelled"


def test_a_workflow_that_calls_itself_ends(run: Run, publish: Publish) -> None:
    publish("child", workflow(call()))
    parent = run(workflow(call()))
    assert (parent.status, f"{DEEPEST} runs have started each other" in parent.error) == ("failed", True)
    assert WorkflowRun.objects.for_tenant(parent.tenant_id).count() == DEEPEST + 1


def test_secrets_cannot_be_handed_down(run: Run, publish: Publish) -> None:
    publish("child", workflow(shell("say", "echo hi")))
    with pytest.raises(Exception, match="not valid"):
        run(workflow(call(kwargs={"inputs": {"n": "{{secrets.TOKEN}}"}})))


def test_a_template_fills_and_checks_the_inputs(run: Run, tenant: Tenant) -> None:
    schema = {"properties": {"n": {"type": "integer", "default": 3}}, "additionalProperties": False}
    definition = workflow(shell("say", "echo {{inputs.n}}"))
    create_template(tenant, {"name": "child", "workflow_definition": definition, "input_schema": schema})
    assert run(workflow(call())).result["got"]["output"]["stdout"] == "3\n"
    refused = run(workflow(call(kwargs={"inputs": {"n": "many"}})))
    assert (refused.status, "inputs.n" in refused.error) == ("failed", True), refused.error
    set_enabled(find_template(tenant, "child"), False)
    assert "Template child is disabled." in run(workflow(call())).error
