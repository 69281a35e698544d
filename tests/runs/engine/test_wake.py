"""Waking branches: whatever comes before the park is not lost, whatever comes twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from highway_automation.base import clock
from runs_app.actions.wake import wake_branch
from runs_app.engine import commit
from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from runs_app.models import WorkflowRun
from runs_app.outcomes import Failed, Parked
from tests.conftest import shell, workflow
from tests.runs.engine.helpers import branches

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., WorkflowRun]


def test_a_wake_before_the_park_makes_the_branch_ready_at_once(start: Start) -> None:
    run = start(workflow(shell("a", "echo a")))
    (taken,) = claim("w", 1)
    wake_branch(run.pk, "a")
    commit.park(taken, Drive(taken).scope, Parked(until=None, state="kept"))
    branch = branches(run).get()
    assert (branch.status, branch.nudged, branch.parked) == ("ready", False, False)
    (again,) = claim("w", 1)
    assert again.start.parked["state"] == "kept"


def test_a_wake_after_the_park_makes_it_ready_once(start: Start) -> None:
    run = start(workflow(shell("a", "echo a")))
    (taken,) = claim("w", 1)
    commit.park(taken, Drive(taken).scope, Parked(until=clock.now() + timedelta(hours=1)))
    assert branches(run).get().status == "sleeping"
    wake_branch(run.pk, "elsewhere")
    assert branches(run).get().status == "sleeping"
    wake_branch(run.pk, "a")
    wake_branch(run.pk, "a")
    assert branches(run).get().status == "ready"
    (again,) = claim("w", 1)
    assert not again.branch.nudged
    commit.park(again, Drive(again).scope, Parked(until=None))
    assert branches(run).get().status == "sleeping", "what came before the claim was seen by the drive"


def test_a_wake_does_not_hurry_the_next_attempt(start: Start) -> None:
    run = start(workflow(shell("a", "echo a")))
    (taken,) = claim("w", 1)
    commit.retry(taken, Drive(taken).scope, Failed("no"), timedelta(hours=1))
    wake_branch(run.pk, "a")
    assert branches(run).get().status == "sleeping"
