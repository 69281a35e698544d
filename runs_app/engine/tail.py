"""The end of what a step prints, gathered by the tool's threads and taken by the watch and by the commit."""

from __future__ import annotations

import threading

LONGEST = 64 * 1024
MOST_PIECES = 32


class Tail:
    """Keeps the last 64 Ki characters."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._fresh = False
        self._lock = threading.Lock()

    def append(self, text: str) -> None:
        with self._lock:
            self._pieces.append(text)
            self._fresh = True
            if len(self._pieces) > MOST_PIECES:
                self._pieces = ["".join(self._pieces)[-LONGEST:]]

    def take(self) -> str | None:
        """The whole tail when something was added since it was last taken."""
        with self._lock:
            if not self._fresh:
                return None
            self._fresh = False
            self._pieces = ["".join(self._pieces)[-LONGEST:]]
            return self._pieces[0]
