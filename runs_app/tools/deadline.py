"""One deadline for a whole call, however many reads and writes it takes."""

from __future__ import annotations

import time

LONGEST = 86_400.0
"""Seconds that one read or write may wait at most; sockets refuse more than 24 days."""


class TimedOut(Exception):
    """The deadline has passed."""


class Deadline:
    """`seconds` from now, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than zero and at most a day. Raises TimedOut."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimedOut(f"timed out after {self.seconds:g} s")
        return min(left, LONGEST)
