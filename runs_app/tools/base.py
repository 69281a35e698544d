"""What a tool is, what it is told, and the three ways in which it ends: a value, a Park, a ToolError."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from highway_automation.base import safe_json
from highway_automation.base.db.fenced import Statement
from highway_automation.base.safe_json import JSON

Arguments = Mapping[str, Any]
Killer = Callable[[], None]


class ToolError(Exception):
    """The step failed; the message names the argument or the cause, and the cure.

    `permanent` failures are not retried. `output` is what the tool still has to show (a command's stdout and stderr).
    """

    def __init__(self, message: str, *, permanent: bool = False, output: JSON = None) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.output = output


@dataclass(frozen=True)
class Park:
    """The step waits, without thread or message, until the time (None: until something wakes it).

    `state` is stored and handed to the tool's `resume`; `note` says in a few words what it waits for.
    """

    until: datetime | None
    state: JSON = None
    note: str = ""


@dataclass
class ToolContext:
    """What a tool knows about the step it runs for. `timeout` is in seconds and covers the whole call; `masked` takes
    the secrets out of a text that the tool itself stores, `storable` out of any value. `read` are the keys of the
    step's result that expressions of the definition read; `followed` says that other steps come after it.
    """

    tenant_id: str
    run_id: UUID
    workflow_name: str
    path: str
    attempt: int
    step_key: str
    timeout: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    log: Callable[[str], None] = lambda text: None
    masked: Callable[[str], str] = lambda text: text
    storable: Callable[[JSON], JSON] = safe_json.clean
    read: frozenset[str] = frozenset()
    followed: bool = False
    check_auto: bool = False
    http_allow: tuple[str, ...] = ()
    viewer_token: Callable[[], str] = lambda: ""
    inputs: Mapping[str, JSON] = field(default_factory=dict)
    _killers: list[Killer] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def on_cancel(self, killer: Killer) -> Callable[[], None]:
        """Have `killer` called, once and from another thread, when the step is cancelled; returns how to take it back.

        A killer of a step that is cancelled already runs at once, so nothing slips between the check and the start.
        """
        with self._lock:
            if not self.cancelled.is_set():
                self._killers.append(killer)
                return lambda: self._forget(killer)
        killer()
        return lambda: None

    def cancel(self) -> None:
        """Stop the tool: on timeout, on cancellation of the run, on shutdown of the worker. Safe to call twice."""
        with self._lock:
            self.cancelled.set()
            killers, self._killers = self._killers, []
        for killer in killers:
            with contextlib.suppress(OSError):
                killer()

    def _forget(self, killer: Killer) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._killers.remove(killer)


@dataclass(frozen=True)
class Tool:
    """One entry of the registry.

    `positional` names the arguments that `args` fills, in order; those beyond them become the list `rest`, where a tool
    has one. `bind` says for which arguments a reference is bound as "shell", "code", "url", "header", "headers" or
    "html" instead of plain text; "text" is plain text without secrets, for what is stored elsewhere. `resume` continues
    after a Park, with its state. `withdraw` gives what to write when the step of this run at this path fails: what it
    left open is nobody's any more.
    """

    name: str
    run: Callable[[Arguments, ToolContext], JSON | Park]
    positional: tuple[str, ...] = ()
    bind: Mapping[str, str] = field(default_factory=dict)
    resume: Callable[[JSON, ToolContext], JSON | Park] | None = None
    rest: str = ""
    withdraw: Callable[[UUID, str], Sequence[Statement]] = lambda run_id, path: ()
