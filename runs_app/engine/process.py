"""The threads of one worker process: each drives one branch; none is claimed that would have to wait for a thread."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from highway_automation.base import clock, db, queue
from highway_automation.base.db.fenced import Insert, Update, write
from runs_app.actions.workers import forget_worker, heartbeat, new_worker_id
from runs_app.engine import commit
from runs_app.engine.claim import Claim, claim
from runs_app.engine.drive import Drive, Stop
from runs_app.engine.threads import Threads
from runs_app.models import RunBranch
from runs_app.statuses import BranchStatus
from tenants_app.models import Tenant

log = logging.getLogger(__name__)
DATABASE_ERRORS = (DatabaseError, InterfaceError)
LOOK_SECONDS = 0.25
OWNERSHIP_SECONDS = 1.0


class Look:
    """The job of looking at the table for branches that are ready."""


LOOK = Look()


class Process:
    """Claims when it hears the doorbell and when a thread falls idle while more may be ready.

    The thread that claims drives the first branch itself and hands the others to threads that are idle: it never
    claims more than there are.
    """

    def __init__(self, threads: int) -> None:
        self.worker_id = new_worker_id()
        self.capacity = threads
        self.active: dict[UUID, Drive] = {}
        self.lock = threading.Lock()
        self.hungry = False
        self.looking = False
        self.stopping = False
        self.changed = threading.Condition(self.lock)
        self.threads: Threads[Drive | Look] = Threads(threads, self._work, db.release)
        self.watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.watcher.start()

    def wake(self) -> None:
        """Have a thread look at the table. Costs nothing while every thread is busy or one is looking already."""
        with self.lock:
            self.hungry = True
            self._ask_for_a_look()

    def _ask_for_a_look(self) -> None:
        if self._must_look():
            self.threads.put(LOOK)

    def _must_look(self) -> bool:
        """Whether whoever asks has to look now; called with the lock held."""
        if not self.hungry or self.looking or self.stopping or len(self.active) >= self.capacity:
            return False
        self.looking = True
        return True

    def _work(self, job: Drive | Look) -> None:
        drive = self._claim() if isinstance(job, Look) else job
        while drive:
            self._drive(drive)
            with self.lock:
                looks = self._must_look()
            drive = self._claim() if looks else None

    def _claim(self) -> Drive | None:
        """Claim for every idle thread; the first branch is for this one."""
        with self.lock:
            self.hungry = False
            idle = 0 if self.stopping else self.capacity - len(self.active)
        drives: list[Drive] = []
        if not idle:
            self._begin(drives, full=False)
            return None
        try:
            at = time.monotonic()
            claims = claim(self.worker_id, idle)
            drives = [Drive(taken, stopping=lambda: self.stopping, claimed_at=at) for taken in claims]
        except DATABASE_ERRORS as error:
            log.warning("Looking for work failed: %s; the scheduler will ring again.", error)
            db.drop_if_broken()
        except Exception:  # this thread must go on; the leases of what it claimed run out
            log.exception("Looking for work failed")
        self._begin(drives, full=len(drives) == idle)
        if len(drives) == self.capacity:
            queue.ring(queue.WORK)
        return drives[0] if drives else None

    def _begin(self, drives: list[Drive], *, full: bool) -> None:
        with self.lock:
            self.looking = False
            self.hungry = self.hungry or full
            self.active |= {drive.claim.branch.pk: drive for drive in drives}
            for drive in drives[1:]:
                self.threads.put(drive)
            self._ask_for_a_look()
            self.changed.notify_all()

    def _drive(self, drive: Drive) -> None:
        try:
            drive.run()
        except Exception:  # the lease runs out and another worker takes the branch
            log.exception("The drive of branch %s ended", drive.claim.branch.pk)
        finally:
            db.drop_if_broken()
            with self.lock:
                self.active.pop(drive.claim.branch.pk, None)
                self.changed.notify_all()

    # Watching -------------------------------------------------------------------------------------------------------
    def _watch(self) -> None:
        """Heartbeats, timeouts, lost branches and log tails. Sleeps while nothing is under way."""
        every = settings.HIGHWAY_LEASE_SECONDS / 3
        beat_at = own_at = 0.0
        while not (self.stopping and not self.active):
            with self.changed:
                self.changed.wait(LOOK_SECONDS if self.active else max(0.1, beat_at - time.monotonic()))
                drives = list(self.active.values())
            at = time.monotonic()
            try:
                self._stop_overdue(drives, at)
                if at >= beat_at:
                    self._beat(drives)
                    beat_at = at + every
                if drives and at >= own_at:
                    self._hold_stopped(drives)
                    self._look_after([drive for drive in drives if at - drive.since >= OWNERSHIP_SECONDS])
                    own_at = at + OWNERSHIP_SECONDS
            except DATABASE_ERRORS as error:
                log.warning("The watch of %s could not write: %s", self.worker_id, error)
                db.reconnect()
        db.release()

    def _stop_overdue(self, drives: list[Drive], at: float) -> None:
        for drive in drives:
            timeout = drive.claim.task["timeout"]
            if timeout and at - drive.since > timeout and drive.stopped is None:
                drive.stop(Stop.TIMEOUT)

    def _beat(self, drives: list[Drive]) -> None:
        """One statement prolongs all leases of this process; branches that it no longer drives are not prolonged."""
        until = clock.lease_now() + timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS)
        if drives:
            self._own(drives).update(lease_until=until)
        heartbeat(self.worker_id, kind="worker", busy=len(drives), capacity=self.capacity)

    def _look_after(self, drives: list[Drive]) -> None:
        """Stop what was cancelled or taken over; show what long steps print."""
        if not drives:
            return
        ours = set(self._own(drives).values_list("pk", "claim_no"))
        for drive in drives:
            if (drive.claim.branch.pk, drive.claim.branch.claim_no) not in ours:
                drive.stop(Stop.LOST)
            elif (text := drive.scope.take_log()) is not None:
                show_log(drive.claim, text)

    def _hold_stopped(self, drives: list[Drive]) -> None:
        """Branches of tenants that somebody stopped are put down after the step they are in."""
        going = {drive.claim.branch.tenant_id for drive in drives if not drive.held}
        still = set(Tenant.objects.filter(pk__in=going, enabled=False).values_list("pk", flat=True)) if going else ()
        for drive in drives:
            drive.held = drive.held or drive.claim.branch.tenant_id in still

    def _own(self, drives: list[Drive]) -> db.Rows[RunBranch]:
        ids = [drive.claim.branch.pk for drive in drives]
        running = RunBranch.objects.all_tenants().filter(pk__in=ids, worker=self.worker_id)
        return running.filter(status=BranchStatus.RUNNING)

    # Stopping -------------------------------------------------------------------------------------------------------
    def stop_claiming(self) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def shutdown(self, grace: float) -> None:
        """Let steps end for `grace` seconds, then kill their tools and put the branches back."""
        self.stop_claiming()
        if not self._wait_idle(grace):
            for drive in list(self.active.values()):
                drive.stop(Stop.SHUTDOWN)
            self._wait_idle(3.0)
        self.threads.stop()
        with contextlib.suppress(*DATABASE_ERRORS):
            forget_worker(self.worker_id)

    def _wait_idle(self, seconds: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: not self.active, timeout=seconds)


def show_log(taken: Claim, text: str) -> None:
    branch = taken.branch
    fence = Update(RunBranch, {"branch_id": branch.pk, "claim_no": branch.claim_no}, {"claim_no": branch.claim_no})
    rows: list[Update | Insert] = [commit.log_row(taken, text)]
    write(fence, rows)


_process: Process | None = None
_process_lock = threading.Lock()


def current() -> Process:
    """This process's threads, started when first needed."""
    global _process
    with _process_lock:
        if _process is None:
            _process = Process(settings.HIGHWAY_WORKER_THREADS)
        return _process


def wake() -> None:
    current().wake()


def shutdown(grace_seconds: float | None = None) -> None:
    """End this process's threads in good order; a later `wake` starts new ones."""
    global _process
    with _process_lock:
        ending, _process = _process, None
    if ending:
        ending.shutdown(settings.HIGHWAY_GRACE_SECONDS if grace_seconds is None else grace_seconds)


def run_until_idle(worker: str = "inline", most: int = 10_000) -> int:
    """Drive everything that is ready in this thread; how many branches. For commands and tests without a worker."""
    driven = 0
    while driven < most and (claims := claim(worker, 1)):
        for taken in claims:
            Drive(taken).run()
            driven += 1
    return driven


def connect() -> None:
    """Follow the life of a Celery worker, if this process becomes one."""
    from celery import signals

    signals.worker_ready.connect(_on_ready, weak=False, dispatch_uid="runs.worker_ready")
    signals.worker_shutting_down.connect(_on_stopping, weak=False, dispatch_uid="runs.worker_stopping")
    signals.worker_shutdown.connect(_on_shutdown, weak=False, dispatch_uid="runs.worker_shutdown")


def _on_ready(**kwargs: object) -> None:
    wake()


def _on_stopping(**kwargs: object) -> None:
    if _process:
        _process.stop_claiming()


def _on_shutdown(**kwargs: object) -> None:
    shutdown()
