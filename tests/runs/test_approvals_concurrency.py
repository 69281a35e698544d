"""What happens to one approval at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from runs_app.actions import cancel_run
from runs_app.actions.approvals import decide_approval, expire_approvals, request_approval
from runs_app.deciders import Decider
from runs_app.models import Approval, WorkflowRun
from tenants_app.models import User
from tests.runs.approval_helpers import approval_of, asking, choosing, decider
from tests.runs.engine.helpers import steps
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., WorkflowRun]


def voice(number: int) -> Decider:
    return Decider(f"key:{number}", f"key {number}", "operator")


def test_of_many_deciders_one_wins(run: Run, drive: Callable[[], int]) -> None:
    asked = run(choosing())
    approval = approval_of(asked)

    def say(number: int) -> Any:
        return decide_approval(approval, by=voice(number), approved=number % 2 == 0).decided_by

    said = at_once(*[lambda number=number: say(number) for number in range(6)])
    winners = [each for each in said if each != "Conflict"]
    assert len(winners) == 1 and said.count("Conflict") == 5
    settled = approval_of(asked)
    assert (settled.decided_by, len(settled.decisions)) == (winners[0], 1)
    drive()
    asked.refresh_from_db()
    assert asked.status == "completed"
    assert (("deploy", "succeeded") in steps(asked)) == (settled.status == "approved")


def test_no_voice_is_lost_or_counted_twice(run: Run) -> None:
    approval = approval_of(run(asking(required=3)))

    def say(number: int) -> Any:
        return str(decide_approval(approval, by=voice(number // 2), approved=True).status)

    said = at_once(*[lambda number=number: say(number) for number in range(6)])
    assert sorted(said) == ["Conflict"] * 3 + ["approved", "pending", "pending"]
    assert len({row["identity"] for row in approval_of(approval.run).decisions}) == 3


def test_a_decision_and_the_end_of_its_run_do_not_meet(run: Run, alice: User) -> None:
    for _ in range(5):
        asked = run(asking())
        approval = approval_of(asked)
        done = at_once(
            lambda approval=approval: decide_approval(approval, by=decider(alice), approved=True).status,  # type: ignore[misc]
            lambda asked=asked: cancel_run(asked, actor=alice).status,  # type: ignore[misc]
        )
        assert done[1] == "cancelled"
        assert approval_of(asked).status == ("cancelled" if done[0] == "Conflict" else "approved")


def test_a_decision_and_the_end_of_its_time_do_not_meet(run: Run, move_clock: Any, drive: Any, alice: User) -> None:
    asked = run(choosing(timeout="1h", on_timeout="reject"))
    approval = approval_of(asked)
    Approval.objects.for_tenant("acme").update(expires_at=approval.requested_at + timedelta(milliseconds=1))
    stale = approval  # knows nothing of its time being over
    done = at_once(lambda: decide_approval(stale, by=decider(alice), approved=True), expire_approvals, expire_approvals)
    assert done[0] == "Conflict"
    assert sorted(done[1:]) == [0, 1]
    drive()
    asked.refresh_from_db()
    assert (asked.status, approval_of(asked).status) == ("completed", "rejected")


def test_a_step_that_two_workers_drive_asks_once(start: Run) -> None:
    asked = start(asking())

    def ask() -> Any:
        about = {"tenant_id": "acme", "run_id": asked.pk, "path": "ask", "approval_key": "k", "title": "?"}
        return request_approval(Approval(**about)).pk

    assert len(set(at_once(*[ask] * 6))) == 1
