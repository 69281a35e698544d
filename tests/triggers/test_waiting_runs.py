"""Events of the outbox and runs that wait for them: also those that came before the run got there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from runs_app.engine.claim import claim
from runs_app.engine.drive import Drive
from tenants_app.models import Tenant
from tests.conftest import workflow
from tests.runs.engine.helpers import hear, wait
from triggers_app.actions import dispatch_events, emit_event
from triggers_app.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., Any]


def test_an_event_that_came_while_the_run_was_elsewhere_is_heard(
    run: Run, drive: Any, move_clock: Any, tenant: Tenant
) -> None:
    emit_event(tenant, "invoice_paid", {"n": 0})
    hearer = run(workflow(wait("nap", "PT1H"), hear("hear", "invoice_paid", "nap")))
    emit_event(tenant, "invoice_paid", {"n": 1})
    emit_event(tenant, "invoice_paid", {"n": 2})
    dispatch_events()
    move_clock(hours=2)
    drive()
    hearer.refresh_from_db()
    assert (hearer.status, hearer.result["hear_heard"]["n"]) == ("completed", 1), hearer.error


@pytest.mark.parametrize("repeat", range(4))
def test_an_event_recorded_while_the_branch_parks_is_heard(start: Run, drive: Any, tenant: Tenant, repeat: int) -> None:
    """Nobody listens when it is recorded, so that no dispatcher ever sees it: the park has to."""
    hearer = start(workflow(hear("hear", "invoice_paid")))
    (taken,) = claim("w", 1)
    barrier = threading.Barrier(2)
    parking = Drive(taken)
    outcome = parking._perform(parking.scope)
    assert outcome is not None

    def park() -> None:
        try:
            barrier.wait(20)
            parking._commit(outcome)
        finally:
            connection.close()

    thread = threading.Thread(target=park)
    thread.start()
    barrier.wait(20)
    emit_event(tenant, "invoice_paid", {"n": 1})
    thread.join(30)
    dispatch_events()
    drive()
    hearer.refresh_from_db()
    assert hearer.status == "completed", Event.objects.for_tenant(tenant).get().dispatched_at
