"""`make`, which gets a SIGINT of its own (`kill -INT`, a supervisor), waits for its command without passing it on.

While it waits it blocks that signal, which Linux shows; so its command can end as if it had been interrupted itself.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

INTERRUPT = 1 << (signal.SIGINT - 1)


class Parent:
    def __init__(self) -> None:
        self.pid = os.getppid()
        self.blocked_from_the_start = self._blocks_interrupt()

    def is_interrupted(self) -> bool:
        """Whether the process that started this one began to block SIGINT since; False where that can't be seen."""
        blocks = self._blocks_interrupt()
        if not blocks:  # `make` also blocks signals for the moment in which it starts its command
            self.blocked_from_the_start = False
        return blocks and not self.blocked_from_the_start and os.getppid() == self.pid

    def _blocks_interrupt(self) -> bool:
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return False
        masks = [line.split()[1] for line in lines if line.startswith("SigBlk:")]
        return any(int(mask, 16) & INTERRUPT for mask in masks)
