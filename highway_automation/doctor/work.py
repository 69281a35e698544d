"""Whether work is done: who is alive, what waits longer than it should, what failed to become a run."""

from __future__ import annotations

from datetime import timedelta

from highway_automation import health
from highway_automation.base import clock
from highway_automation.doctor.examination import Check, Saw, failed, ok, warning
from runs_app.models import RunBranch
from runs_app.statuses import BranchStatus
from schedules_app.models import Outcome as TickOutcome
from schedules_app.models import ScheduledWorkflow, ScheduleTick
from tenants_app import crypto
from tenants_app.models import Variable
from triggers_app.models import Event, TriggerDelivery
from triggers_app.models import Outcome as DeliveryOutcome

LONG = timedelta(minutes=1)
RECENTLY = timedelta(days=1)
START = {
    "worker": "celery -A highway_automation worker -Q highway_internal,highway_control --pool threads",
    "scheduler": "celery -A highway_automation beat",
}


def workers() -> Saw:
    return _alive("worker")


def schedulers() -> Saw:
    return _alive("scheduler")


def _alive(kind: str) -> Saw:
    alive = health.alive(kind)["alive"]
    return ok(f"{alive} alive") if alive else failed(f"No {kind} is alive", f"Start one: `make up`, or {START[kind]}")


def waiting_work() -> Saw:
    """Branches that nobody claims although they are ready."""
    ready = RunBranch.objects.all_tenants().filter(status=BranchStatus.READY, tenant__enabled=True)
    waiting = ready.filter(ready_at__lt=clock.now() - LONG).count()
    if waiting:
        return warning(f"{waiting} steps have waited for a worker for more than a minute", "Start more workers.")
    return ok("no step waits for a worker")


def late_schedules() -> Saw:
    due = ScheduledWorkflow.objects.all_tenants().filter(enabled=True, tenant__enabled=True)
    late = due.filter(next_run_at__lt=clock.now() - LONG).count()
    if late:
        return failed(f"{late} schedules are more than a minute late", f"Start a scheduler: {START['scheduler']}")
    return ok("no schedule is late")


def events() -> Saw:
    waiting = Event.objects.all_tenants().filter(dispatched_at__isnull=True, tenant__enabled=True)
    old = waiting.filter(received_at__lt=clock.now() - LONG).count()
    if old:
        return failed(f"{old} events have waited for a minute", f"Start a worker: {START['worker']}")
    return ok("no event waits")


def failed_starts() -> Saw:
    """Ticks and events of the last day that could not become a run."""
    since = clock.now() - RECENTLY
    ticks = ScheduleTick.objects.all_tenants().filter(outcome=TickOutcome.FAILED_TO_SUBMIT, created_at__gte=since)
    deliveries = TriggerDelivery.objects.all_tenants().filter(outcome=DeliveryOutcome.FAILED, created_at__gte=since)
    numbers = ticks.count(), deliveries.count()
    if any(numbers):
        return warning(
            f"{numbers[0]} ticks and {numbers[1]} deliveries of the last day started no run",
            "The admin's Ticks and Deliveries say why; a failed delivery can be tried again there.",
        )
    return ok("each tick and event of the last day could start its run")


def secrets() -> Saw:
    """Whether every stored secret can be read with the keys that are set."""
    unreadable = []
    rows = Variable.objects.all_tenants().filter(secret=True).only("name", "tenant_id", "encrypted")
    for variable in rows.iterator():
        try:
            crypto.decrypt(variable.encrypted)
        except crypto.Undecryptable:
            unreadable.append(f"{variable.tenant_id}/{variable.name}")
    if unreadable:
        return failed(
            f"{len(unreadable)} secrets cannot be decrypted: {', '.join(unreadable[:5])}",
            "Add the key they were made with to HIGHWAY_ENCRYPTION_KEYS (behind the first), or enter them again.",
        )
    return ok("every stored secret can be read")


CHECKS: dict[str, Check] = {
    "workers": workers,
    "schedulers": schedulers,
    "waiting work": waiting_work,
    "late schedules": late_schedules,
    "waiting events": events,
    "failed starts": failed_starts,
    "secrets": secrets,
}
