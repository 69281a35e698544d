"""Keeping outputs within what a step may store (`HIGHWAY_STEP_OUTPUT_BYTES`, counted as JSON text)."""

from __future__ import annotations

from django.conf import settings

from highway_automation.base import safe_json

KEYS = 1024
"""Bytes set aside for the keys and small values around the texts."""
CUT = "\n[… truncated …]"


def budget() -> int:
    """Bytes of JSON text that the texts of one output may take together."""
    return max(int(settings.HIGHWAY_STEP_OUTPUT_BYTES) - KEYS, 512)


def fit(head: str, room: int, *, tail: str = "", size: int = 0) -> tuple[str, bool]:
    """`head` + `tail` within `room` bytes of JSON text, and whether that took something away.

    A note stands in the middle for what is left out. `size` > 0 says that a part between head and tail is gone already,
    and how many bytes there were in all.
    """
    whole = head + tail
    if not size and safe_json.size(whole) <= room:
        return whole, False
    note = f"\n[… truncated: {size or len(whole.encode('utf-8', 'replace')):,} bytes in all …]\n"
    if not size:
        head, tail = whole[: len(whole) // 2], whole[len(whole) // 2 :]
    each = max((room - safe_json.size(note)) // 2, 0)
    return _start(head, each) + note + _start(tail[::-1], each)[::-1], True


def beginning(text: str, room: int, *, more: bool = False) -> tuple[str, bool]:
    """As much of the text as takes `room` bytes of JSON text, and whether something is missing.

    `more` says that the text is only the beginning of something longer.
    """
    if not more and safe_json.size(text) <= room:
        return text, False
    return _start(text, room - safe_json.size(CUT)) + CUT, True


def _start(text: str, room: int) -> str:
    """As much of the beginning as takes `room` bytes."""
    keep = len(text)
    while keep and (length := safe_json.size(text[:keep])) > room:
        keep = min(keep - 1, keep * room // length)
    return text[:keep]


class Capture:
    """The beginning and the end of a stream of any length, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self.half = max(limit // 2, 1)
        self.head, self.tail, self.size = bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        self.size += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * self.half:
            del self.tail[: -self.half]

    @property
    def cut(self) -> bool:
        return self.size > len(self.head) + len(self.tail)

    def text(self, room: int) -> tuple[str, bool]:
        """What fits into `room` bytes of JSON text, and whether that is less than all.

        Bytes that are no UTF-8, and NUL, become U+FFFD.
        """
        if not self.cut:
            return fit(_storable(self.head + self.tail), room)
        return fit(_storable(self.head), room, tail=_storable(self.tail), size=self.size)


def _storable(data: bytearray) -> str:
    return str(safe_json.clean(data.decode("utf-8", "replace")))
