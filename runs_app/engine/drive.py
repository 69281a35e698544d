"""Driving a claimed branch: perform a step, commit its end with the next one's start, until it ends or parks.

No transaction is open while a step is performed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from enum import Enum

from django.conf import settings
from django.db import InterfaceError, OperationalError

from highway_automation.base import db
from runs_app.engine import commit
from runs_app.engine.claim import MOST_LOST_CLAIMS, Claim, reload
from runs_app.engine.resolve import StepScope
from runs_app.expressions import ExpressionError
from runs_app.operators import OPERATORS
from runs_app.outcomes import Failed, Outcome, Parked

log = logging.getLogger(__name__)
DATABASE_PATIENCE_SECONDS = 60.0
DATABASE_ERRORS = (OperationalError, InterfaceError)
LONGEST_DELAY_SECONDS = 365 * 86_400.0


class Stop(Enum):
    """Why a step was cut off."""

    TIMEOUT = "timeout"
    LOST = "lost"
    SHUTDOWN = "shutdown"


class Drive:
    """One claimed branch in one thread. Other threads may read `since`, call `stop`, and set `held`: then it is put
    down after the step it is in.
    """

    def __init__(
        self, claim: Claim, stopping: Callable[[], bool] = lambda: False, *, claimed_at: float | None = None
    ) -> None:
        self.claim = claim
        self.stopping = stopping
        self.stopped: Stop | None = None
        self.held = False
        self.scope = StepScope(claim)
        self.since = time.monotonic()
        self.owned_at = self.since if claimed_at is None else claimed_at

    def stop(self, why: Stop) -> None:
        self.stopped = why
        self.scope.context.cancel()

    def run(self) -> None:
        """Until the branch ends, parks, or is no longer ours."""
        going = True
        while going:
            outcome = self._perform_despite_outages()
            if outcome is None or self.stopped is Stop.LOST:
                return
            going = self._commit(outcome)
            if going:
                self._next_step()

    def _next_step(self) -> None:
        self.since = time.monotonic()
        self.scope = StepScope(self.claim)
        if self.stopped is Stop.TIMEOUT:
            self.stopped = None
        elif self.stopped:
            self.scope.context.cancel()

    def _perform_despite_outages(self) -> Outcome | None:
        """A step that the database's absence interrupted has not failed: it begins again, as after a lost worker.

        None: the branch is no longer ours.
        """
        deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
        if self._was_frozen():
            if not self._look_again(deadline):
                return None
            self._begin_again()
        while True:
            try:
                return self._perform(self.scope)
            except DATABASE_ERRORS as error:
                if time.monotonic() > deadline:
                    return Failed(f"{type(error).__name__}: {error}")
                log.warning("Step %s was interrupted: %s", self.claim.start.path, error)
            if not self._look_again(deadline):
                return None
            self._begin_again()

    def _was_frozen(self) -> bool:
        """Whether it is so long ago that the branch was known to be ours that another worker may have done the step."""
        return time.monotonic() - self.owned_at > settings.HIGHWAY_LEASE_SECONDS / 2

    def _begin_again(self) -> None:
        self.claim.start.again = self.claim.start.again or self.scope.called
        self._next_step()

    def _perform(self, scope: StepScope) -> Outcome:
        """Raises OperationalError, InterfaceError: the database is away."""
        start, task = self.claim.start, self.claim.task
        if refusal := self._refusal():
            return refusal
        operator = OPERATORS.get(task["operator_type"])
        if operator is None:
            return Failed(f"The operator {task['operator_type']} cannot be run by this version.", permanent=True)
        try:
            if start.parked is not None and operator.resume:
                outcome = operator.resume(task, start.parked["state"], scope)
            else:
                outcome = operator.begin(task, scope)
        except ExpressionError as error:
            return Failed(str(error), permanent=True)
        except DATABASE_ERRORS as error:
            if db.is_away(error):
                raise
            return self._raised(error)
        except Exception as error:  # an operator or tool that raises anything fails its step, never its worker
            return self._raised(error)
        if self.stopped is Stop.TIMEOUT and not isinstance(outcome, Parked):
            return Failed(f"The step took longer than its timeout of {task['timeout']:g} s.", output=_output(outcome))
        return outcome

    def _raised(self, error: Exception) -> Failed:
        log.exception("Step %s of run %s raised", self.claim.start.path, self.claim.run.pk)
        return Failed(f"{type(error).__name__}: {error}")

    def _refusal(self) -> Failed | None:
        """Why the step may not be performed (again)."""
        branch, task = self.claim.branch, self.claim.task
        if self.claim.start.again and task["metadata"].get("once"):
            return Failed(
                "Outcome unknown: its worker died or was stopped in this step, which runs once.", permanent=True
            )
        if branch.lost_claims >= MOST_LOST_CLAIMS:
            return Failed(f"Its worker died {branch.lost_claims} times.", permanent=True)
        return None

    def _commit(self, outcome: Outcome) -> bool:
        """Write the outcome even if the database is away for a while: the step is done and must not run again."""
        deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
        while True:
            self.owned_at = time.monotonic()
            try:
                return self._write(outcome)
            except DATABASE_ERRORS as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("A result could not be stored yet: %s", error)
            if not self._look_again(deadline):
                return False

    def _look_again(self, deadline: float) -> bool:
        """Whether the branch is still ours at this step. What the claim knows may be ahead of what was committed, so
        nothing is written before it was loaded anew; when the database stays away, the lease runs out.
        """
        while True:
            db.reconnect()
            time.sleep(0.2)
            self.owned_at = time.monotonic()
            try:
                loaded = reload(self.claim)
                break
            except DATABASE_ERRORS:
                if time.monotonic() > deadline:
                    raise
        self.claim = loaded or self.claim
        return loaded is not None

    def _write(self, outcome: Outcome) -> bool:
        """Whether the branch goes on here."""
        scope = self.scope
        if isinstance(outcome, Parked):
            commit.park(self.claim, scope, outcome)
            return False
        if isinstance(outcome, Failed) and self.stopped is Stop.SHUTDOWN:
            commit.put_back(self.claim, scope)
            return False
        if isinstance(outcome, Failed) and (delay := self._retry_delay(outcome)) is not None:
            commit.retry(self.claim, scope, outcome, delay)
            return False
        go_on = not (self.held or self.stopping() or self.stopped is Stop.SHUTDOWN)
        return commit.settle(self.claim, scope, outcome, go_on=go_on)

    def _retry_delay(self, failure: Failed) -> timedelta | None:
        """None: no attempt is left. The delay grows by `backoff_factor` from one retry to the next."""
        policy, attempt = self.claim.task["retry"], self.claim.start.attempt
        if failure.permanent or not policy or attempt > policy["max_retries"]:
            return None
        try:
            seconds = float(policy["delay"]) * float(policy["backoff_factor"]) ** (attempt - 1)
        except OverflowError:
            seconds = LONGEST_DELAY_SECONDS
        return timedelta(seconds=max(0.0, min(seconds, LONGEST_DELAY_SECONDS)))


def _output(outcome: Outcome) -> object:
    return None if isinstance(outcome, Parked) else outcome.output
