"""What is left when workers die, are stopped, are taken over, or end at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from highway_automation.base import clock
from highway_automation.base.errors import Conflict
from runs_app.actions import cancel_run, store_definition, submit_run, sweep
from runs_app.cause import Cause
from runs_app.engine import claim as claiming
from runs_app.engine.claim import Claim, claim
from runs_app.engine.drive import Drive
from runs_app.engine.process import Process, run_until_idle
from runs_app.models import RunBranch, WorkflowRun
from runs_app.signals import run_finished
from tenants_app.models import Tenant
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import branches, step, steps, wait

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., WorkflowRun]
MARK = 'echo "$HIGHWAY_STEP_PATH $HIGHWAY_ATTEMPT" >> {file}'


def mark(task_id: str, file: Path, *after: str, **more: Any) -> dict[str, Any]:
    return shell(task_id, MARK.format(file=file), *after, **more)


def lose_lease(run: WorkflowRun) -> None:
    """As if the worker had not been heard of for long."""
    branches(run).filter(status="running").update(lease_until=clock.lease_now() - timedelta(seconds=1))
    sweep()


@pytest.fixture
def told() -> Any:
    names: list[str] = []

    def listen(run: WorkflowRun, **kwargs: object) -> None:
        names.append(run.status)

    run_finished.connect(listen)
    yield names
    run_finished.disconnect(listen)


class Died(BaseException):
    """Stands for the end of a process in the middle of something."""


class DyingDrive(Drive):
    """Dies after the tool of one step returned and before its result is written."""

    dies_at = "b"

    def _write(self, outcome: Any) -> bool:
        if self.claim.start.path == self.dies_at:
            raise Died
        return super()._write(outcome)


def test_after_a_death_the_branch_goes_on_at_the_first_step_without_a_result(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "marks"
    run = start(workflow(mark("a", file), mark("b", file, "a"), mark("c", file, "b")))
    (first,) = claim("dying", 4)
    with pytest.raises(Died):
        DyingDrive(first).run()
    assert claim("other", 4) == []
    lose_lease(run)
    run_until_idle()
    run.refresh_from_db()
    assert run.status == "completed", run.error
    assert file.read_text().splitlines() == ["a 1", "b 1", "b 1", "c 1"]


def test_a_worker_that_was_taken_over_writes_nothing(start: Start, told: list[str]) -> None:
    run = start(workflow(shell("a", "echo $HIGHWAY_ATTEMPT"), shell("b", "echo b", "a")))
    (stale,) = claim("frozen", 4)
    lose_lease(run)
    run_until_idle()
    run.refresh_from_db()
    before = (run.status, run.result, steps(run))
    Drive(stale).run()
    run.refresh_from_db()
    assert (run.status, run.result, steps(run)) == before
    assert told == ["completed"]


def test_a_step_that_kills_its_workers_fails_at_the_fifth(start: Start) -> None:
    run = start(workflow(shell("a", "echo a", retry_policy={"max_retries": 3, "delay": 1})))
    for _ in range(5):
        assert claim("dying", 1)
        lose_lease(run)
    run_until_idle()
    run.refresh_from_db()
    assert (run.status, "died 5 times" in run.error) == ("failed", True)
    assert steps(run) == [("a", "failed")]


def test_a_step_that_runs_once_is_not_repeated(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "marks"
    run = start(workflow(mark("a", file, metadata={"once": True})))
    assert claim("dying", 1)
    lose_lease(run)
    run_until_idle()
    run.refresh_from_db()
    assert "Outcome unknown" in run.error
    assert not file.exists()


def test_shutdown_puts_the_step_back_without_spending_an_attempt(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    run = start(workflow(shell("a", f"test -f {flag} || {{ touch {flag}; sleep 600; }}"), shell("b", "echo b", "a")))
    process = Process(4)
    process.wake()
    assert wait_until(flag.exists)
    process.shutdown(0.1)
    assert (branches(run).get().status, step(run, "a").status) == ("ready", "pending")
    run_until_idle()
    run.refresh_from_db()
    assert run.status == "completed", run.error
    assert steps(run) == [("a", "succeeded"), ("b", "succeeded")]


def test_shutdown_lets_a_short_step_end_and_starts_no_other(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    run = start(workflow(shell("a", f"touch {flag}; sleep 1"), shell("b", "echo b", "a")))
    process = Process(4)
    process.wake()
    assert wait_until(flag.exists)
    process.shutdown(20)
    assert steps(run) == [("a", "succeeded")]
    assert (branches(run).get().path, branches(run).get().status) == ("b", "ready")


def test_cancelling_kills_the_step_and_drops_its_writes(start: Start, tmp_path: Path, told: list[str]) -> None:
    flag = tmp_path / "flag"
    run = start(workflow(shell("a", f"touch {flag}; sleep 600"), shell("b", "echo b", "a")))
    process = Process(2)
    process.wake()
    assert wait_until(flag.exists)
    cancel_run(run, actor=None, reason="enough")
    assert wait_until(lambda: not process.active)
    process.shutdown(1)
    run.refresh_from_db()
    assert (run.status, run.error) == ("cancelled", "Cancelled: enough")
    assert steps(run) == [("a", "cancelled")]
    assert told == ["cancelled"]
    with pytest.raises(Conflict, match="cancelled already"):
        cancel_run(run, actor=None)


def test_cancelling_a_sleeper_leaves_nothing_to_wake(start: Start, drive: Callable[[], int], move_clock: Any) -> None:
    run = start(workflow(wait("nap", "PT1H"), shell("b", "echo b", "nap")))
    drive()
    cancel_run(run, actor=None)
    move_clock(hours=2)
    assert drive() == 0


@pytest.mark.parametrize("repeat", range(3))
def test_of_two_branches_that_end_together_exactly_one_starts_the_join(
    start: Start, tmp_path: Path, repeat: int
) -> None:
    """Both ends stand at a barrier after their tool and before their commit."""
    file = tmp_path / "marks"
    run = start(workflow(shell("l", "echo l"), shell("r", "echo r"), mark("join", file, "l", "r")))
    left, right = claim("one", 1) + claim("two", 1)
    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=drive_to_barrier, args=(taken, barrier)) for taken in (left, right)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    run_until_idle()
    run.refresh_from_db()
    assert run.status == "completed", run.error
    assert file.read_text() == "join 1\n"


def drive_to_barrier(taken: Claim, barrier: threading.Barrier) -> None:
    drive = Drive(taken)
    write = drive._write

    def at_the_barrier(outcome: Any) -> bool:
        if taken.start.path in ("l", "r"):
            barrier.wait(20)
        return write(outcome)

    drive._write = at_the_barrier  # type: ignore[method-assign]
    try:
        drive.run()
    finally:
        connection.close()


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, list[str], bool]]:
    """Tasks with dependencies on earlier ones; some fail."""
    names = [f"t{n}" for n in range(draw(st.integers(2, 8)))]
    graph = []
    for n, name in enumerate(names):
        after = draw(st.lists(st.sampled_from(names[:n]), unique=True)) if n else []
        graph.append((name, after, draw(st.integers(0, 5)) == 0))
    return graph


@how(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), threads=st.integers(2, 4))
def test_several_workers_settle_any_graph_as_one_would(tenant: Tenant, graph: Any, threads: int) -> None:
    tasks = [
        log_task(name, after, fails=fails and number % 3 == 0) for number, (name, after, fails) in enumerate(graph)
    ]
    definition, _ = store_definition(tenant, workflow(*tasks))
    runs = [submit_run(definition=definition, inputs={}, cause=Cause("command"))[0] for _ in range(2)]
    alone, together = runs
    branches(together).update(status="sleeping", wake_at=None)
    run_until_idle()
    branches(together).update(status="ready")
    workers = [threading.Thread(target=work_and_close, args=(f"w{n}",)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run_until_idle()
    for run in runs:
        run.refresh_from_db()
    assert alone.status == together.status != "running"
    assert sorted(steps(alone)) == sorted(steps(together))


def log_task(name: str, after: list[str], *, fails: bool) -> dict[str, Any]:
    kwargs = {} if fails else {"message": name}
    base = {"task_id": name, "operator_type": "task", "function": "tools.log.info", "dependencies": after}
    return {**base, "kwargs": kwargs}


def work_and_close(name: str) -> None:
    try:
        for _ in range(50):
            if not run_until_idle(name):
                threading.Event().wait(0.005)
    finally:
        connection.close()


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    for _ in range(int(seconds * 20)):
        if holds():
            return True
        threading.Event().wait(0.05)
    return False


def test_a_claim_takes_no_more_than_asked_by_priority_and_in_turns(tenant: Tenant, other_tenant: Tenant) -> None:
    for owner, count in ((tenant, 6), (other_tenant, 2)):
        stored, _ = store_definition(owner, workflow(shell("a", "echo")))
        for _ in range(count):
            submit_run(definition=stored, inputs={}, cause=Cause("command"))
    stored, _ = store_definition(tenant, workflow(shell("a", "echo")))
    urgent, _ = submit_run(definition=stored, inputs={}, cause=Cause("command"), priority=5)
    taken = claim("w", 5)
    assert taken[0].run.pk == urgent.pk
    assert [c.branch.tenant_id for c in taken[1:]].count("globex") == 2
    assert RunBranch.objects.all_tenants().filter(status="ready").count() == 4
    assert claiming.claim("w", 0) == []


@pytest.mark.postgres
def test_a_step_that_the_databases_absence_interrupts_has_not_failed(start: Start) -> None:
    run = start(workflow(wait("nap", "PT1H"), shell("b", "echo b", "nap")))
    (claimed,) = claim("worker", 4)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    settings_ = connection.get_connection_params()
    with psycopg.connect(
        **{key: settings_[key] for key in ("dbname", "user", "host", "port") if key in settings_}
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    Drive(claimed).run()
    run.refresh_from_db()
    assert (run.status, steps(run)) == ("sleeping", [("nap", "sleeping")])


def test_an_end_that_the_database_did_not_let_tell_is_told_when_it_comes_again(start: Start, told: list[str]) -> None:
    """Such as a deadlock between the locks of two ends: the one that gives way must not end in silence."""
    troubles = ["deadlock detected"]

    def emit(run: WorkflowRun, **kwargs: object) -> None:
        if troubles:
            raise OperationalError(troubles.pop())
        told.append("emitted")

    run_finished.connect(emit)
    try:
        run = start(workflow(shell("a", "echo a")))
        run_until_idle()
    finally:
        run_finished.disconnect(emit)
    run.refresh_from_db()
    assert (run.status, told.count("emitted")) == ("completed", 1)


def test_a_worker_that_was_frozen_before_a_step_does_not_repeat_it(start: Start, tmp_path: Path, settings: Any) -> None:
    """Its writes are fenced; what its tool would do outside is not."""
    file = tmp_path / "marks"
    run = start(workflow(mark("a", file)))
    (taken,) = claim("frozen", 1)
    frozen = Drive(taken)
    lose_lease(run)
    run_until_idle()
    settings.HIGHWAY_LEASE_SECONDS = 0  # any time is longer
    frozen.run()
    assert file.read_text() == "a 1\n"


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_commit_is_repeated_from_the_journal_however_long_the_database_is_away(start: Start, failures: int) -> None:
    """What the interrupted commit had worked out already is not taken for done."""
    run = start(workflow(shell("a", "echo a"), shell("b", "echo b", "a")))
    (taken,) = claim("w", 1)
    drive = Drive(taken)
    outcome = drive._perform(drive.scope)
    left = [OperationalError("the server closed the connection")] * failures

    def away(execute: Any, *query: Any) -> Any:
        if left:
            raise left.pop()
        return execute(*query)

    with connection.execute_wrapper(away):
        assert drive._commit(outcome)
    drive._next_step()
    drive.run()
    run.refresh_from_db()
    assert (run.status, steps(run)) == ("completed", [("a", "succeeded"), ("b", "succeeded")])


@pytest.mark.postgres
def test_a_branch_that_is_born_while_its_run_is_cancelled_ends_with_it(start: Start) -> None:
    """A step that decides alone takes no lock of the run."""
    run = start(workflow(shell("a", "echo a"), shell("b", "echo b", "a"), shell("c", "echo c", "a")))
    (taken,) = claim("w", 1)
    drive = Drive(taken)
    outcome = drive._perform(drive.scope)

    def cancel() -> None:
        cancel_run(run, actor=None)
        connection.close()

    cancelling = threading.Thread(target=cancel)
    with transaction.atomic():
        drive._commit(outcome)
        cancelling.start()
        assert wait_until(somebody_waits_for_us)
    cancelling.join(20)
    assert {branch.status for branch in branches(run)} == {"cancelled"}
    assert len(branches(run)) == 2
    assert run_until_idle() == 0


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])
