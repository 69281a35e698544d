"""The doorbell: once a transaction, never an error, never after a rollback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from highway_automation.base import queue
from highway_automation.celery import app


@pytest.fixture
def rung() -> Iterator[list[str]]:
    """The names of the messages that reach the in-process broker."""
    names: list[str] = []

    def listen(sender: str, **kwargs: object) -> None:
        names.append(sender)

    from celery.signals import after_task_publish

    after_task_publish.connect(listen)
    queue.broker.silent_until = 0.0
    yield names
    after_task_publish.disconnect(listen)


@pytest.mark.django_db(transaction=True)
def test_one_transaction_rings_each_bell_once(rung: list[str]) -> None:
    with transaction.atomic():
        queue.ring(queue.DISPATCH_EVENTS)
        queue.ring(queue.DISPATCH_EVENTS)
        queue.ring(queue.WORK, 3)
        assert rung == []
    assert sorted(rung) == sorted([queue.DISPATCH_EVENTS, *[queue.WORK] * 3])


@pytest.mark.django_db(transaction=True)
def test_a_rollback_rings_nothing(rung: list[str]) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue.ring(queue.WORK)
        raise RuntimeError
    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_many_branches_ring_at_most_eight_times_at_once(rung: list[str]) -> None:
    queue.ring(queue.WORK, 5000)
    assert rung == [queue.WORK] * 8


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_costs_one_try_and_no_error(rung: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(task: str, **kwargs: object) -> None:
        tries.append(task)
        raise OSError("connection refused")

    monkeypatch.setattr(app, "send_task", refuse)
    queue.ring(queue.WORK, 8)
    queue.ring(queue.DISPATCH_EVENTS)
    assert tries == [queue.WORK]
    queue.broker.silent_until = 0.0
