"""When a step may start: trigger rules and join modes, as verdicts over counts.

A verdict never changes once it is GO or STOP, whatever is heard later: this is what makes the order in which
branches end irrelevant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal

Status = Literal["succeeded", "failed", "skipped"]
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"


class Verdict(Enum):
    WAIT = "wait"
    GO = "go"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of `total` inputs ended, and how."""

    total: int
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, status: str) -> Counts:
        if status == SUCCEEDED:
            return replace(self, succeeded=self.succeeded + 1)
        if status == FAILED:
            return replace(self, failed=self.failed + 1)
        return replace(self, skipped=self.skipped + 1)

    @property
    def complete(self) -> bool:
        return self.succeeded + self.failed + self.skipped >= self.total

    @property
    def only_skips(self) -> bool:
        return self.skipped >= self.total


Excuse = Callable[[], bool]
Rule = Callable[[Counts, Excuse | None], Verdict]
# An excuse says, once every input is known, whether each skipped one is an alternative of one that succeeded.


def all_success(counts: Counts, excuse: Excuse | None) -> Verdict:
    if counts.failed or (counts.skipped and excuse is None):
        return Verdict.STOP
    if not counts.complete:
        return Verdict.WAIT
    excused = not counts.skipped or (excuse is not None and excuse())
    return Verdict.GO if excused else Verdict.STOP


def all_done(counts: Counts, excuse: Excuse | None) -> Verdict:
    if not counts.complete:
        return Verdict.WAIT
    return Verdict.STOP if counts.only_skips else Verdict.GO


def one_success(counts: Counts, excuse: Excuse | None) -> Verdict:
    if counts.succeeded:
        return Verdict.GO
    return Verdict.STOP if counts.complete else Verdict.WAIT


def one_done(counts: Counts, excuse: Excuse | None) -> Verdict:
    if counts.succeeded or counts.failed:
        return Verdict.GO
    return Verdict.STOP if counts.complete else Verdict.WAIT


def none_failed(counts: Counts, excuse: Excuse | None) -> Verdict:
    return Verdict.STOP if counts.failed else all_done(counts, excuse)


def join_all_success(counts: Counts, excuse: Excuse | None) -> Verdict:
    """The first failure decides (the join runs in order to fail); a skip decides only when nothing failed."""
    if counts.failed:
        return Verdict.GO
    return all_success(counts, excuse) if counts.complete else Verdict.WAIT


def join_one_success(counts: Counts, excuse: Excuse | None) -> Verdict:
    return Verdict.GO if counts.succeeded else all_done(counts, excuse)


TRIGGER_RULES: Mapping[str, Rule] = {
    "all_success": all_success,
    "all_done": all_done,
    "one_success": one_success,
    "one_done": one_done,
    "none_failed": none_failed,
}
JOIN_MODES: Mapping[str, Rule] = {
    "all_of": all_done,
    "any_of": one_done,
    "all_success": join_all_success,
    "one_success": join_one_success,
}


def judge(rule: Rule, counts: Counts, excuse: Excuse | None = None) -> Verdict:
    return rule(counts, excuse) if counts.total else Verdict.GO
