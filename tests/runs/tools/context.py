"""A step's context as the engine would make it, and what the tests need around it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psutil

from runs_app.tools import TOOLS, Park, ToolContext

RUN_ID = UUID("0192a000-0000-7000-8000-000000000001")


def context(**fields: Any) -> ToolContext:
    known: dict[str, Any] = {
        "tenant_id": "acme",
        "run_id": RUN_ID,
        "workflow_name": "nightly",
        "path": "backup",
        "attempt": 1,
        "step_key": f"{RUN_ID}:backup",
    }
    return ToolContext(**{**known, **fields})


def call(tool: str, given: ToolContext | None = None, /, **arguments: Any) -> Any:
    """The tool's output; a Park is an error here."""
    output = TOOLS[tool].run(arguments, given or context())
    assert not isinstance(output, Park)
    return output


class Log:
    """Collects what a tool streams; `reached` tells another thread that a text has come."""

    def __init__(self, awaited: str = "") -> None:
        self.text, self.awaited, self.reached = "", awaited, threading.Event()

    def __call__(self, text: str) -> None:
        self.text += text
        if self.awaited and self.awaited in self.text:
            self.reached.set()


def in_thread(body: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread


def new_marker() -> str:
    """What no other process has in its command line; as the seconds of a `sleep` it lasts for hours."""
    return f"9{os.getpid()}.{time.monotonic_ns()}"


def gone(marker: str) -> bool:
    """Whether no process with the marker in its command line is left, within a bounded wait."""
    deadline = time.monotonic() + 5
    while any(marker in " ".join(found.info["cmdline"] or []) for found in psutil.process_iter(["cmdline"])):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
