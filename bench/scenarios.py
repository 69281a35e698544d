"""The things that go wrong, each at a moment that is looked for in the database, and what must hold afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bench import product
from bench.stack import Process, Stack, say, wait_until
from bench.talks import STEPS, Talks
from tests.services import broker_answers

END_SECONDS = 120.0
APPEND = 'echo "$HIGHWAY_RUN_ID $HIGHWAY_STEP_PATH $HIGHWAY_ATTEMPT" >> {file}; sleep {pause}'


@dataclass
class Blow:
    """A kill: what was committed before it, and how much had been written outside by then."""

    name: str
    settled: set[tuple[str, str]]
    written: int


class World:
    """A worker, a scheduler, and a web process that takes the submissions; the workflows write `run path attempt` to a
    file outside the product.
    """

    def __init__(self, stack: Stack) -> None:
        from tenants_app.actions import create_api_key

        self.stack = stack
        self.file = stack.folder / "steps.txt"
        self.file.touch()
        self.worker = stack.worker("worker").start()
        self.scheduler = stack.scheduler().start()
        self.web = stack.web().start()
        self.tenant = product.tenant()
        headers = {"Authorization": f"Bearer {create_api_key(self.tenant, 'chaos', 'admin')[1]}"}
        self.talks = Talks(stack, self.tenant, headers, self._step)
        self.blows: list[Blow] = []

    def _workflow(self) -> dict[str, Any]:
        """a, a nap, b, then left and right beside each other, then their join and an end."""
        nap = {"task_id": "nap", "operator_type": "wait", "wait_for": "PT1S", "dependencies": ["a"]}
        tasks = [
            self._step("a", 0.5),
            nap,
            self._step("b", 0.3, "nap"),
            self._step("left", 0.2, "b"),
            self._step("right", 0.6, "b"),
            self._step("join", 0.2, "left", "right"),
            self._step("end", 0.1, "join"),
        ]
        return {"name": "chaos", "version": "1", "tasks": {task["task_id"]: task for task in tasks}}

    def _step(self, name: str, pause: float, *after: str) -> dict[str, Any]:
        command = APPEND.format(file=self.file, pause=pause)
        step = {"task_id": name, "operator_type": "task", "function": "tools.shell.run", "args": [command]}
        return {**step, "dependencies": list(after)}

    def submit(self, count: int = 4) -> list[Any]:
        """Over HTTP, as a client would: the same key until the answer is good. Beside them a run that talks."""
        from runs_app.models import WorkflowRun

        self.talks.begin()
        ids = [
            self.talks.post("workflows", {"workflow_definition": self._workflow(), "idempotency_key": uuid4().hex})
            for _ in range(count)
        ]
        mine = WorkflowRun.objects.for_tenant(self.tenant)
        return [product.patient(lambda pk=pk: mine.get(pk=pk)) for pk in ids]  # type: ignore[misc]

    def catch(self, what: str, holds: Callable[[dict[str, str]], bool]) -> Any:
        """Submit runs until one is seen in this state: on a busy machine a run may pass it between two looks."""
        runs: list[Any] = []
        caught: list[Any] = []

        def seen() -> bool:
            nonlocal runs
            found = {run.pk: product.patient(lambda run=run: statuses(run)) for run in runs}  # type: ignore[misc]
            caught.extend(run for run in runs if holds(found[run.pk]))
            if not caught and all(steps.get("end") == "succeeded" for steps in found.values()):
                runs = self.submit()
            return bool(caught)

        wait_until(seen, what, END_SECONDS)
        return caught[0]

    def await_state(self, run: Any, what: str, holds: Callable[[dict[str, str]], bool]) -> None:
        wait_until(lambda: holds(product.patient(lambda: statuses(run))), f"{what} of {run.pk}")

    def blow(self, name: str, strike: Callable[[], None]) -> None:
        """Strike, and remember what had been committed before."""
        before = product.patient(self._settled)
        strike()
        self.blows.append(Blow(name, before, self.file.stat().st_size))

    def _settled(self) -> set[tuple[str, str]]:
        from runs_app.models import StepRun

        rows = StepRun.objects.for_tenant(self.tenant).filter(settled=True).values_list("run_id", "path")
        return {(str(run_id), path) for run_id, path in rows}

    def kill_worker(self, name: str) -> None:
        self.blow(name, self.worker.kill)
        self.worker.start()

    def settle(self) -> list[str]:
        """Wait for every run, then say what was violated."""
        from runs_app.models import StepRun, WorkflowRun

        self.talks.join()
        failures = []
        try:
            wait_until(lambda: product.patient(self.talks.quiet), "every run to end and event to be heard", END_SECONDS)
        except TimeoutError as error:
            failures.append(str(error))
        mine, written = WorkflowRun.objects.for_tenant(self.tenant), self._written()
        failures += [f"run {run.pk} is {run.status}: {run.error}" for run in mine.exclude(status="completed")]
        settled = StepRun.objects.for_tenant(self.tenant).filter(settled=True)
        per_run = Counter(settled.values_list("run_id", flat=True))
        failures += [
            f"{run.workflow_name} {run.pk} has {per_run[run.pk]} settled steps, not {STEPS[run.workflow_name]}"
            for run in mine
            if per_run[run.pk] != STEPS[run.workflow_name]
        ]
        shells = settled.filter(tool="tools.shell.run", operator__in=["task", "activity_work"])
        for run_id, path in shells.values_list("run_id", "path"):
            if (str(run_id), path) not in written:
                failures.append(f"step {path} of {run_id} has a result but never ran")
        failures += [*self._repeated(), *self.talks.violations()]
        counted = f"{mine.count()} runs, {len(self.talks.all)} of them talking, {len(self.blows)} blows"
        say(f"  {self.stack.broker_kind}: {counted}, {len(failures)} violations")
        return failures

    def _written(self) -> set[tuple[str, str]]:
        lines = self.file.read_text().splitlines()
        return {(line.split()[0], line.split()[1]) for line in lines}

    def _repeated(self) -> list[str]:
        """Steps that ran again after their result was committed."""
        failures = []
        for blow in self.blows:
            later = self.file.read_bytes()[blow.written :].decode().splitlines()
            failures += [
                f"after {blow.name}: step {line} had a result and ran again"
                for line in later
                if len(line.split()) == 3 and tuple(line.split()[:2]) in blow.settled
            ]
        return failures


def statuses(run: Any) -> dict[str, str]:
    from runs_app.models import StepRun

    rows = StepRun.objects.for_tenant(run.tenant_id).filter(run=run).order_by("attempt")
    return dict(rows.values_list("path", "status"))


def kill_mid_step(world: World) -> None:
    world.catch("step a to run", lambda steps: steps.get("a") == "running")
    world.kill_worker("SIGKILL mid-step")


def kill_mid_sleep(world: World) -> None:
    world.catch("the nap", lambda steps: steps.get("nap") == "sleeping")
    world.kill_worker("SIGKILL mid-sleep")


def kill_between_steps(world: World) -> None:
    world.catch("step b to end", lambda steps: steps.get("b") == "succeeded" and "join" not in steps)
    world.kill_worker("SIGKILL between steps")


def kill_between_the_ends_of_a_join(world: World) -> None:
    world.catch("the left end", lambda steps: steps.get("left") == "succeeded" and "join" not in steps)
    world.kill_worker("SIGKILL between the ends of a join")


def empty_the_broker(world: World) -> None:
    world.submit()
    empty(world.stack)
    run = world.submit()[0]
    empty(world.stack)
    world.await_state(run, "the first step", lambda steps: "a" in steps)


def stop_the_broker(world: World, seconds: float = 20) -> None:
    world.submit()
    world.stack.broker.stop()
    if broker_answers(world.stack.broker_url):
        raise RuntimeError("The broker was not stopped.")
    run = world.submit()[0]
    time.sleep(seconds)
    world.stack.broker.start(120)
    began = time.monotonic()
    world.await_state(run, "the run to begin", lambda steps: "a" in steps)
    say(f"    work went on {time.monotonic() - began:.1f} s after the broker's return")


def stop_the_broker_briefly(world: World) -> None:
    stop_the_broker(world, 5)


def restart_postgres(world: World) -> None:
    world.catch("step a to run", lambda steps: steps.get("a") == "running")
    world.stack.postgres.send(signal.SIGINT)
    if world.stack.postgres.running:
        world.stack.postgres.running.wait(30)
    time.sleep(1)
    world.stack.postgres.start()
    began = time.monotonic()
    run = world.submit(1)[0]
    world.await_state(run, "a new run to begin", lambda steps: "a" in steps)
    say(f"    work went on {time.monotonic() - began:.1f} s after the database's return")


def freeze_a_worker_past_its_lease(world: World) -> None:
    """Another worker takes over while the first is frozen; thawed, it may write nothing."""
    run = world.catch("step b to run", lambda steps: steps.get("b") == "running")
    frozen = world.worker
    os.kill(frozen.pid, signal.SIGSTOP)
    world.worker = another_worker(world.stack)
    world.await_state(run, "the other worker to end the run", lambda steps: steps.get("end") == "succeeded")
    world.blow("SIGCONT of a worker whose lease had run out", lambda: os.kill(frozen.pid, signal.SIGCONT))
    time.sleep(2)
    frozen.stop()


def another_worker(stack: Stack) -> Process:
    return stack.worker(f"worker{len(stack.processes)}").start()


def empty(stack: Stack) -> None:
    from kombu import Connection

    if stack.broker_kind == "redis":
        import redis

        redis.Redis.from_url(stack.broker_url).flushall()
        return
    with Connection(stack.broker_url) as connection:
        for name in ("highway_internal", "highway_control"):
            connection.SimpleQueue(name).clear()


SCENARIOS: dict[str, Callable[[World], None]] = {
    "SIGKILL mid-step": kill_mid_step,
    "SIGKILL mid-sleep": kill_mid_sleep,
    "SIGKILL between steps": kill_between_steps,
    "SIGKILL between the ends of a join": kill_between_the_ends_of_a_join,
    "broker emptied": empty_the_broker,
    "broker stopped for 5 s": stop_the_broker_briefly,
    "broker stopped for 20 s": stop_the_broker,
    "PostgreSQL restarted": restart_postgres,
    "worker frozen past its lease": freeze_a_worker_past_its_lease,
}
SHORT = {
    "redis": ["SIGKILL mid-step", "SIGKILL between the ends of a join", "broker emptied", "PostgreSQL restarted"],
    "rabbitmq": ["SIGKILL mid-sleep", "worker frozen past its lease", "broker stopped for 5 s"],
}
