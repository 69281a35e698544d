"""Runs that talk: each waits for an activity, a child, an event of another run, a signal, an event from SQL and a
decision, while everything around it is struck. Whoever answers asks again until it was heard, as a good client does.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from bench.stack import Stack

PATIENCE_SECONDS = 150.0
STEPS = {"chaos": 7, "talk": 10, "told_child": 3, "teller": 2, "heard": 1}
"""Settled steps of a completed run, by its workflow. The activity of `talk` is two."""
Step = Callable[..., dict[str, Any]]


@dataclass
class Talk:
    """One run that talks, and who answers it."""

    key: str
    pk: str
    answering: threading.Thread | None = None


@dataclass
class Talks:
    """`step` makes a shell step that writes down that it ran."""

    stack: Stack
    tenant: Any
    headers: dict[str, str]
    step: Step
    all: list[Talk] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        from runs_app.actions import store_definition
        from triggers_app.actions import create_trigger

        self.child = str(store_definition(self.tenant, flow("told_child", *self._child()))[0].pk)
        log = {"task_id": "log", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "heard"}}
        create_trigger(self.tenant, {"event_type": "inserted", "workflow_definition": flow("heard", log)})

    def begin(self) -> None:
        key = uuid4().hex
        definition = flow("talk", *self._talk(key))
        talk = Talk(key, self.post("workflows", {"workflow_definition": definition, "idempotency_key": key}))
        talk.answering = threading.Thread(target=self._answer, args=[talk, random.random()], daemon=True)  # noqa: S311
        talk.answering.start()
        self.all.append(talk)

    def post(self, path: str, body: dict[str, Any]) -> str:
        """Until the answer is good; the id of the run in it."""
        return str(self._until_good("POST", path, body)["workflow_run_id"])

    def join(self) -> None:
        for talk in self.all:
            if talk.answering:
                talk.answering.join(PATIENCE_SECONDS)

    # What is said ---------------------------------------------------------------------------------------------------
    def _talk(self, key: str) -> list[dict[str, Any]]:
        execute = {"definition_id": self.child, "inputs": {"key": key}}
        ask = {"approval_key": f"ask-{key}", "title": "Go on?"}
        return [
            self.step("begin", 0.2),
            {**self.step("work", 0.4, "begin"), "operator_type": "activity"},
            hear("worked", "activity_work_completed", "work"),
            {**tool("child", "tools.workflow.execute", execute), "dependencies": ["begin"]},
            hear("told", f"go-{key}", "begin"),
            hear("signalled", "ok", "begin"),
            hear("inserted", f"sql-{key}", "begin"),
            {**tool("asked", "tools.approval.request", ask), "dependencies": ["begin"]},
            self.step("end", 0.1, "worked", "child", "told", "signalled", "inserted", "asked"),
        ]

    def _child(self) -> list[dict[str, Any]]:
        nap = {"task_id": "nap", "operator_type": "wait", "wait_for": "PT1S", "dependencies": ["first"]}
        return [self.step("first", 0.3), nap, self.step("last", 0.2, "nap")]

    def _answer(self, talk: Talk, chance: float) -> None:
        """In any order and at any time: before the run waits for it, or long after."""
        chances = random.Random(chance)  # noqa: S311
        answers = [self._tell, self._signal, self._insert, self._approve]
        for answer in chances.sample(answers, len(answers)):
            time.sleep(chances.uniform(0, 0.8))
            try:
                answer(talk)
            except Exception as error:
                self.unanswered.append(f"{answer.__name__} of {talk.pk}: {error}")

    def _tell(self, talk: Talk) -> None:
        emit = {"task_id": "emit", "operator_type": "emit_event", "event_name": f"go-{talk.key}"}
        tasks = [self.step("think", 0.3), {**emit, "payload": {"key": talk.key}, "dependencies": ["think"]}]
        self.post("workflows", {"workflow_definition": flow("teller", *tasks), "idempotency_key": f"tell-{talk.key}"})

    def _signal(self, talk: Talk) -> None:
        body = {"signal_name": "ok", "signal_payload": {"key": talk.key}}
        self._until_good("POST", f"workflows/{talk.pk}/signals", body)

    def _approve(self, talk: Talk) -> None:
        path = f"approvals/ask-{talk.key}"
        self._until_good("GET", path)
        self._until_good("POST", f"{path}/approve", {"comment": talk.key}, also=409)  # 409: the first answer was lost
        status = self._until_good("GET", path)["status"]
        if status != "approved":
            raise RuntimeError(f"the approval is {status}")

    def _insert(self, talk: Talk) -> None:
        """Past the product, as psql does: what was committed must be heard. The ids make a repetition nothing."""
        rows = [(f"sql-{talk.key}", f"wait-{talk.key}"), ("inserted", f"run-{talk.key}")]
        sql = "INSERT INTO events (tenant_id, type, external_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"

        def inserted() -> bool:
            with psycopg.connect(self.stack.database_url, connect_timeout=5) as session:
                session.cursor().executemany(sql, [(self.tenant.pk, *row) for row in rows])
            return True

        until_true(inserted, f"the events of {talk.pk}")

    def _until_good(self, method: str, path: str, body: Any = None, also: int = 200) -> dict[str, Any]:
        found: list[Any] = []

        def good() -> bool:
            url = f"{self.stack.web_url}/api/v1/{path}"
            answer = httpx.request(method, url, json=body, headers=self.headers, timeout=30)
            if answer.status_code < 300 or answer.status_code == also:
                found.append(answer.json())
            return bool(found)

        until_true(good, f"{method} {path}")
        return dict(found[0])

    # What must hold -------------------------------------------------------------------------------------------------
    def quiet(self) -> bool:
        """Whether every run has ended and every event was dispatched, so that nothing can begin any more."""
        from runs_app.models import WorkflowRun
        from triggers_app.models import Event

        undispatched = Event.objects.for_tenant(self.tenant).filter(dispatched_at=None)
        return not undispatched.exists() and not WorkflowRun.objects.for_tenant(self.tenant).open().exists()

    def violations(self) -> list[str]:
        told = [f"not answered: {what}" for what in self.unanswered]
        for talk in self.all:
            told += [f"talk {talk.pk} has {count} {what}" for what, count in self._counts(talk).items() if count != 1]
        return [*told, *self._left_over(), *self._ends()]

    def _counts(self, talk: Talk) -> dict[str, int]:
        """What there must be one of."""
        from runs_app.models import Approval, WorkflowEvent, WorkflowRun
        from triggers_app.models import TriggerDelivery

        run_id = UUID(talk.pk)
        runs, approvals = WorkflowRun.objects.for_tenant(self.tenant), Approval.objects.for_tenant(self.tenant)
        asked = approvals.filter(run_id=run_id)
        decided = [said for row in asked.filter(status="approved") for said in row.decisions]
        names = WorkflowEvent.objects.for_tenant(self.tenant)
        about = TriggerDelivery.objects.for_tenant(self.tenant).filter(event__external_id=f"run-{talk.key}")
        started = about.filter(outcome="submitted").values_list("workflow_run_id", flat=True)
        return {
            "children": runs.filter(parent_run_id=talk.pk).count(),
            "approvals": asked.count(),
            "decisions": len(decided),
            "runs under its key": runs.filter(idempotency_key=talk.key).count(),
            "tellers": runs.filter(idempotency_key=f"tell-{talk.key}").count(),
            "events told": names.filter(name=f"go-{talk.key}", run=None).count(),
            "signals": names.filter(name="ok", run_id=run_id).count(),
            "ends of its work": names.filter(name="activity_work_completed", run_id=run_id).count(),
            "deliveries of what was inserted": about.count(),
            "runs of what was inserted": runs.filter(pk__in=list(started), status="completed").count(),
        }

    def _left_over(self) -> list[str]:
        from runs_app.models import Approval, EventWait, RunBranch

        left = {
            "waits": EventWait.objects.for_tenant(self.tenant),
            "pending approvals": Approval.objects.for_tenant(self.tenant).pending(),
            "live branches": RunBranch.objects.for_tenant(self.tenant).exclude(status="ended"),
        }
        return [f"{rows.count()} {what} are left" for what, rows in left.items() if rows.exists()]

    def _ends(self) -> list[str]:
        """Each run told its end once, as an event."""
        from runs_app.models import WorkflowRun
        from triggers_app.models import Event

        ends = Event.objects.for_tenant(self.tenant).filter(type="workflow_completed")
        told = Counter(ends.values_list("subject", flat=True))
        runs = [str(pk) for pk in WorkflowRun.objects.for_tenant(self.tenant).values_list("pk", flat=True)]
        return [f"run {pk} told its end {told[pk]} times" for pk in runs if told[pk] != 1]


def flow(name: str, *tasks: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1", "tasks": {task["task_id"]: task for task in tasks}}


def tool(name: str, function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"task_id": name, "operator_type": "task", "function": function, "kwargs": arguments}


def hear(name: str, event: str, *after: str) -> dict[str, Any]:
    return {"task_id": name, "operator_type": "wait_for_event", "event_name": event, "dependencies": list(after)}


def until_true(holds: Callable[[], bool], what: str) -> None:
    """As long as servers are away, it does not hold."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if holds():
                return
        except (httpx.HTTPError, psycopg.Error):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"in vain for {PATIENCE_SECONDS:g} s: {what}")
        time.sleep(0.2)
