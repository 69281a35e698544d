"""Activities: the run goes on at once, the work is done beside it, and its end is an event of that run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from highway_automation.base import clock
from runs_app.actions import sweep
from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from runs_app.models import EventWait
from runs_app.queries import current_step, progress
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import activity, branches, hear, step, steps

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Any]
Run = Callable[..., Any]
CRUNCH = activity("crunch", "tools.shell.run", args=["echo {{inputs.n}}"], kwargs={})
CRUNCHED = hear("crunched", "{{crunch_started.completion_event}}", "crunch")


def test_it_completes_at_once_and_its_end_is_heard(run: Run) -> None:
    ended = run(workflow(CRUNCH, CRUNCHED, shell("say", "echo {{crunched_heard.result.stdout}}", "crunched")), {"n": 4})
    assert ended.status == "completed", ended.error
    assert ended.result["crunch_started"] == {"completion_event": "activity_crunch_completed"}
    heard = ended.result["crunched_heard"]
    assert (heard["status"], heard["result"]["stdout"], ended.result["say"]["stdout"]) == ("completed", "4\n", "4\n")
    assert "crunch#work" not in ended.result
    assert progress(ended) == {"completed": 3, "total": 3}


def test_each_run_hears_its_own(run: Run) -> None:
    flow = workflow(CRUNCH, CRUNCHED)
    results = [run(flow, {"n": n}).result["crunched_heard"]["result"]["stdout"] for n in (1, 2)]
    assert results == ["1\n", "2\n"]


def test_the_run_is_not_over_before_the_work_is(run: Run) -> None:
    ended = run(workflow(CRUNCH, shell("next", "echo", "crunch")), {"n": 1})
    assert dict(steps(ended)) == {"crunch": "succeeded", "next": "succeeded", "crunch#work": "succeeded"}


def test_the_work_is_retried_and_its_failure_fails_who_waits(run: Run, drive: Any, move_clock: Any) -> None:
    broken = {**CRUNCH, "args": ["echo no >&2; exit 3"], "retry_policy": {"max_retries": 1, "delay": 5}}
    ended = run(workflow(broken, CRUNCHED, shell("say", "echo", "crunched")))
    assert (ended.status, step(ended, "crunched").status, current_step(ended)) == ("sleeping", "sleeping", "crunched")
    move_clock(seconds=6)
    drive()
    ended.refresh_from_db()
    assert ended.status == "failed"
    assert [status for path, status in steps(ended) if path == "crunch#work"] == ["failed", "failed"]
    assert (step(ended, "crunched").status, step(ended, "say").status) == ("failed", "skipped")
    assert "exit" in step(ended, "crunched").error
    assert not EventWait.objects.for_tenant(ended.tenant_id).exists()


def test_a_handler_of_the_activity_handles_the_works_failure(run: Run) -> None:
    broken = {**CRUNCH, "args": ["exit 3"], "on_failure_task_id": "rescue"}
    ended = run(workflow(broken, shell("rescue", "echo {{failed_task_id}}")))
    assert (ended.status, ended.result["rescue"]["stdout"]) == ("completed", "crunch\n"), ended.error


def test_work_whose_workers_die_is_told_too(start: Start, drive: Any) -> None:
    run = start(workflow({**CRUNCH, "metadata": {"once": True}}, CRUNCHED), {"n": 1})
    (taken,) = claim("w", 1)
    first = Drive(taken)
    assert first._commit(first._perform(first.scope))
    claim("dying", 2)
    branches(run).filter(status="running").update(lease_until=clock.lease_now() - timedelta(seconds=1))
    sweep()
    drive()
    run.refresh_from_db()
    assert run.status == "failed"
    assert "Outcome unknown" in step(run, "crunched").error
