"""Named events: emitted once, heard before, while and after a step parks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from highway_automation.base import clock
from highway_automation.base.errors import Invalid
from runs_app import past
from runs_app.actions import cancel_run, store_definition, submit_run
from runs_app.actions.wake import Happened, is_waited_for, wake_for_events
from runs_app.cause import Cause
from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from runs_app.models import EventWait
from tenants_app.models import Tenant
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import branches, emit, hear, step, steps, wait

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Any]
Run = Callable[..., Any]


def waits(tenant: Tenant) -> list[str]:
    return list(EventWait.objects.for_tenant(tenant).values_list("name", flat=True))


def test_an_event_wakes_who_waits_and_its_payload_is_the_result(run: Run, drive: Any, tenant: Tenant) -> None:
    hearer = run(workflow(hear("hear", "go"), shell("say", "echo {{hear_heard.n}} {{hear_heard.payload.n}}", "hear")))
    assert (hearer.status, waits(tenant), is_waited_for("acme", "go")) == ("sleeping", ["go"], True)
    teller = run(workflow(emit("tell", "go", payload={"n": "{{inputs.n}}"})), {"n": 7})
    assert teller.result == {"tell": {"event_name": "go", "payload": {"n": 7}}, "output": teller.result["output"]}
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "completed", hearer.error
    assert hearer.result["say"]["stdout"] == "7 7\n"
    assert (waits(tenant), is_waited_for("acme", "go")) == ([], False)


def test_an_event_of_an_earlier_run_satisfies_a_later_wait_and_its_first_payload_wins(run: Run) -> None:
    run(workflow(emit("a", "go", payload={"n": 1}), emit("b", "go", "a", payload={"n": 2})))
    hearer = run(workflow(hear("hear", "go")))
    assert hearer.result["hear_heard"] == {"n": 1, "payload": {"n": 1}}


def test_names_are_resolved_and_of_one_tenant(run: Run, drive: Any, other_tenant: Tenant) -> None:
    hearer = run(workflow(hear("hear", "done_{{inputs.id}}")), {"id": 5})
    stored, _ = store_definition(other_tenant, workflow(emit("tell", "done_5")))
    submit_run(definition=stored, inputs={}, cause=Cause("command"))
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "sleeping"
    run(workflow(emit("tell", "done_5", metadata={"from": "the newer driver"})))
    drive()
    hearer.refresh_from_db()
    assert hearer.result["hear_heard"]["from"] == "the newer driver"


@pytest.mark.parametrize(("name", "told"), [(" ", "255"), ("x" * 256, "255"), ("{{inputs.list}}", "text")])
def test_a_name_that_is_none_fails_the_step(run: Run, name: str, told: str) -> None:
    ended = run(workflow(hear("hear", name, retry_policy={"max_retries": 2, "delay": 1})), {"list": [1]})
    assert (ended.status, told in ended.error) == ("failed", True), ended.error


def test_two_branches_and_two_runs_wait_for_one_event(run: Run, drive: Any, tenant: Tenant) -> None:
    flow = workflow(hear("one", "go"), hear("two", "go"), shell("after", "echo", "one", "two"))
    runs = [run(flow), run(flow)]
    assert waits(tenant) == ["go"] * 4
    run(workflow(emit("tell", "go")))
    drive()
    for each in runs:
        each.refresh_from_db()
        assert (each.status, len(steps(each))) == ("completed", 3)
    assert waits(tenant) == []


def test_without_an_event_the_step_fails_in_time_and_its_policies_apply(run: Run, drive: Any, move_clock: Any) -> None:
    waiter = hear("hear", "go", timeout_seconds=60, retry_policy={"max_retries": 1, "delay": 10})
    hearer = run(workflow({**waiter, "on_failure_task_id": "rescue"}, shell("rescue", "echo {{error_message}}")))
    move_clock(seconds=61)
    drive()
    assert steps(hearer) == [("hear", "failed")]
    assert (branches(hearer).get().status, list(EventWait.objects.all_tenants())) == ("sleeping", [])
    move_clock(seconds=11)
    drive()
    assert step(hearer, "hear").status == "sleeping"
    move_clock(seconds=61)
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "completed"
    assert "No event 'go' came in time." in hearer.result["rescue"]["stdout"]


def test_an_event_that_came_in_time_counts_although_the_branch_wakes_late(
    run: Run, drive: Any, move_clock: Any
) -> None:
    hearer = run(workflow(hear("hear", "go", timeout_seconds=60)))
    stored, _ = store_definition(hearer.tenant, workflow(emit("tell", "go")))
    submit_run(definition=stored, inputs={}, cause=Cause("command"))
    for taken in claim("w", 1):
        Drive(taken).run()
    move_clock(hours=2)
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "completed"


def test_an_event_between_the_look_and_the_park_is_not_lost(start: Start, drive: Any, tenant: Tenant) -> None:
    hearer = start(workflow(hear("hear", "go")))
    (taken,) = claim("w", 1)
    late = Drive(taken)
    outcome = late._perform(late.scope)
    start(workflow(emit("tell", "go", payload={"n": 1})))
    drive()
    late._commit(outcome)
    assert branches(hearer).get().status == "ready"
    drive()
    hearer.refresh_from_db()
    assert (hearer.status, hearer.result["hear_heard"]["n"]) == ("completed", 1)
    assert waits(tenant) == []


@pytest.mark.parametrize("repeat", range(5))
def test_an_event_and_a_park_at_the_same_moment(start: Start, drive: Any, tenant: Tenant, repeat: int) -> None:
    """Both stand at a barrier before their commit; whoever is first, the branch goes on."""
    hearer, teller = start(workflow(hear("hear", "go"))), start(workflow(emit("tell", "go", payload={"n": 1})))
    barrier = threading.Barrier(2)
    taken = claim("one", 1) + claim("two", 1)
    threads = [threading.Thread(target=drive_to_barrier, args=(each, barrier)) for each in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    drive()
    for each in (hearer, teller):
        each.refresh_from_db()
        assert each.status == "completed", each.error
    assert waits(tenant) == []


@pytest.mark.parametrize("repeat", range(3))
def test_branches_that_tell_each_other_at_once_do_not_block(start: Start, drive: Any, repeat: int) -> None:
    first = start(workflow(emit("tell", "a"), hear("hear", "b", "tell")))
    second = start(workflow(emit("tell", "b"), hear("hear", "a", "tell")))
    threads = [threading.Thread(target=work_and_close, args=(each,)) for each in claim("one", 1) + claim("two", 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    drive()
    for each in (first, second):
        each.refresh_from_db()
        assert each.status == "completed", each.error


def drive_to_barrier(taken: Any, barrier: threading.Barrier) -> None:
    drive = Drive(taken)
    write = drive._write

    def at_the_barrier(outcome: Any) -> bool:
        barrier.wait(20)
        return write(outcome)

    drive._write = at_the_barrier  # type: ignore[method-assign]
    try:
        drive.run()
    finally:
        connection.close()


def work_and_close(taken: Any) -> None:
    try:
        Drive(taken).run()
    finally:
        connection.close()


def test_a_cancelled_run_waits_for_nothing(run: Run, drive: Any, tenant: Tenant) -> None:
    hearer = run(workflow(hear("hear", "go")))
    cancel_run(hearer, actor=None)
    assert waits(tenant) == []
    run(workflow(emit("tell", "go")))
    assert drive() == 0


def test_an_event_of_above_counts_from_the_runs_creation(run: Run, drive: Any) -> None:
    hearer = run(workflow(hear("hear", "user_created")))
    early, late = hearer.created_at - timedelta(seconds=1), hearer.created_at + timedelta(seconds=1)
    assert wake_for_events([Happened("acme", "user_created", {"n": 0}, early)]) == 0
    assert wake_for_events([Happened("globex", "user_created", {"n": 0}, late)]) == 0
    drive()
    happened = [Happened("acme", "user_created", {"n": n}, late + timedelta(seconds=n)) for n in (2, 1)]
    assert wake_for_events(happened) == 1
    assert wake_for_events(happened) == 0, "it has one already"
    drive()
    hearer.refresh_from_db()
    assert (hearer.status, hearer.result["hear_heard"]["n"]) == ("completed", 1)


def test_an_event_of_above_that_came_before_the_step_is_found(
    run: Run, drive: Any, move_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Happened] = []

    def recall(tenant_id: str, name: str, since: Any) -> Happened | None:
        return next((event for event in known if event.name == name and event.at >= since), None)

    monkeypatch.setattr(past, "_RECALLS", [recall])
    hearer = run(workflow(wait("nap", "PT1H"), hear("hear", "user_created", "nap")))
    known.append(Happened("acme", "user_created", {"n": 0}, hearer.created_at - timedelta(seconds=1)))
    known.append(Happened("acme", "user_created", {"n": 1}, clock.now()))
    move_clock(hours=2)
    drive()
    hearer.refresh_from_db()
    assert (hearer.status, hearer.result["hear_heard"]["n"]) == ("completed", 1)


def test_waking_for_a_batch_takes_a_constant_number_of_queries(run: Run) -> None:
    flow = workflow(*(hear(f"hear{n}", f"event{n}") for n in range(20)))
    later = run(flow).created_at + timedelta(seconds=1)
    counts = []
    for numbers in (range(1), range(1, 20)):
        with CaptureQueriesContext(connection) as queries:
            assert wake_for_events([Happened("acme", f"event{n}", {}, later) for n in numbers]) == len(numbers)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 10


def test_a_secret_is_not_told(run: Run, tenant: Tenant) -> None:
    with pytest.raises(Invalid) as refused:
        run(workflow(emit("tell", "go", payload={"n": "{{secrets.TOKEN}}"})))
    assert refused.value.errors[0]["field"] == "workflow_definition.tasks.tell.payload.n"
