"""Waking parked branches, free of races with a branch that is just about to park.

Whoever wakes locks the branch's row: one that sleeps becomes ready, one that is under way is marked and then does not
fall asleep (`park` looks at the mark under the same lock). Who begins to wait for a name takes its lock alone, who
brings an event of that name shares it with others that do: so either the wait's row is there when the event comes, or
the event when the wait begins.

The order of locks is run, names, branches, waits. A caller that holds rows of its own which the end of a run writes too
locks the run's row before them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from highway_automation.base import clock, db, queue
from highway_automation.base.safe_json import JSON
from runs_app.models import EventWait, RunBranch
from runs_app.statuses import BranchStatus

LIVE = (BranchStatus.READY, BranchStatus.RUNNING, BranchStatus.SLEEPING)


@dataclass(frozen=True)
class Happened:
    """An event of that name, as a wait gets it. With an `error` what was waited for failed."""

    tenant_id: str
    name: str
    payload: JSON
    at: datetime
    error: str = ""


def wake_branch(run_id: UUID, path: str) -> None:
    """Let the step that is parked there look again, now or as soon as it parks. In the caller's transaction."""
    with db.atomic():
        at_path = RunBranch.objects.all_tenants().filter(run_id=run_id, path=path, status__in=LIVE)
        _wake(list(db.lock_rows(at_path.order_by("pk"))))


def wake_for_events(happened: Sequence[Happened]) -> int:
    """Give these events to the parked branches of runs created before them that wait for their names; how many.

    Of several events of one name the earliest counts. A constant number of queries, in the caller's transaction.
    """
    by_name: dict[tuple[str, str], list[Happened]] = defaultdict(list)
    for event in sorted(happened, key=lambda event: event.at):
        by_name[event.tenant_id, event.name].append(event)
    if not by_name:
        return 0
    with db.atomic():
        bring_names(by_name)
        tenants, names = {key[0] for key in by_name}, {key[1] for key in by_name}
        waits = EventWait.objects.all_tenants().filter(tenant_id__in=tenants, name__in=names, happened_at=None)
        found: dict[EventWait, Happened] = {}
        for wait in waits.select_related("run"):
            for event in by_name.get((wait.tenant_id, wait.name), ()):
                if event.at >= wait.run.created_at:
                    found[wait] = event
                    break
        return _give(found)


def is_waited_for(tenant_id: str, name: str) -> bool:
    """Whether a parked branch waits for this name; if not, none will begin to before the caller's transaction ends.

    So who records an event in that transaction may leave it at that: a wait that begins later finds it.
    """
    bring_names([(tenant_id, name)])
    return EventWait.objects.for_tenant(tenant_id).filter(name=name, happened_at=None).exists()


def deliver(event: Happened, *, run_id: UUID | None = None) -> int:
    """Give an event of the definition language to all who wait for it (of one run, if it is that run's); how many.

    The caller brings the name and has written the event's row.
    """
    waits = EventWait.objects.for_tenant(event.tenant_id).filter(name=event.name, happened_at=None)
    return _give(dict.fromkeys(waits.filter(run_id=run_id) if run_id else waits, event))


def bring_names(names: Iterable[tuple[str, str]]) -> None:
    """Until the transaction ends, nobody begins to wait for these (tenant, name)s."""
    db.lock_texts((_text(*name) for name in names), shared=True)


def await_name(tenant_id: str, name: str) -> None:
    """Until the transaction ends, nobody brings an event of this name."""
    db.lock_texts([_text(tenant_id, name)])


def _text(tenant_id: str, name: str) -> str:
    return f"event {tenant_id} {name}"


def _give(found: Mapping[EventWait, Happened]) -> int:
    """Branches are locked before waits, as where a step's end deletes its wait. The first event that comes counts."""
    if not found:
        return 0
    rows = RunBranch.objects.all_tenants().filter(pk__in={wait.branch_id for wait in found}, status__in=LIVE)
    branches = {branch.pk: branch for branch in db.lock_rows(rows.order_by("pk"))}
    still_open = EventWait.objects.all_tenants().filter(pk__in=[wait.pk for wait in found], happened_at=None)
    open_ids = set(still_open.values_list("pk", flat=True))
    there = [wait for wait in found if wait.pk in open_ids and wait.branch_id in branches]
    for wait in there:
        event = found[wait]
        wait.happened_at, wait.payload, wait.error = event.at, event.payload, event.error
    if there:
        EventWait.objects.all_tenants().bulk_update(there, ["happened_at", "payload", "error"])
    _wake([branches[wait.branch_id] for wait in there])
    return len(there)


def _wake(locked: Sequence[RunBranch]) -> None:
    """A branch that sleeps until its next attempt has nothing to look at: it sleeps on."""
    asleep = [branch.pk for branch in locked if branch.status == BranchStatus.SLEEPING and branch.parked]
    awake = [branch.pk for branch in locked if branch.status != BranchStatus.SLEEPING]
    branches = RunBranch.objects.all_tenants()
    if awake:
        branches.filter(pk__in=awake).update(nudged=True)
    if asleep:
        ready = {"status": BranchStatus.READY, "ready_at": clock.now(), "wake_at": None, "parked": False}
        branches.filter(pk__in=asleep).update(claim_no=F("claim_no") + 1, **ready)
        queue.ring(queue.WORK, len(asleep))
