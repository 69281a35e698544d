from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What one check saw. Whatever is not ok comes with its cure."""

    check: str
    state: State
    message: str
    cure: str = ""


Saw = tuple[State, str, str]
Check = Callable[[], Saw]


def ok(message: str) -> Saw:
    return State.OK, message, ""


def warning(message: str, cure: str) -> Saw:
    return State.WARNING, message, cure


def failed(message: str, cure: str) -> Saw:
    return State.FAILED, message, cure


def examine() -> Iterator[Finding]:
    """Every check in turn; without a database those that need one are left out. A check that breaks is a finding."""
    from highway_automation.doctor import configuration, machine, services, work

    yield from map(_finding, (*machine.CHECKS.items(), *configuration.CHECKS.items()))
    database = _finding(("database", services.database))
    yield database
    yield from map(_finding, services.CHECKS.items())
    if database.state is State.OK:
        tables = _finding(("migrations", services.migrations))
        yield tables
        if tables.state is State.OK:
            yield from map(_finding, work.CHECKS.items())


def _finding(named: tuple[str, Check]) -> Finding:
    name, check = named
    try:
        state, message, cure = check()
    except Exception as error:  # whatever a driver raises, the person wants to read it, with the other findings
        text = " ".join(str(error).split())[:300]
        state, message, cure = failed(f"{type(error).__name__}: {text}", "See the message; mend what it names.")
    return Finding(name, state, message, cure)
