from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

STEPS = 300_000
"""Keywords looked at, or values copied, for one set of inputs: a second or two at most."""


class TooMuch(Exception):
    """The schema makes too much work of this value."""


MAX_NESTING = 100
_nesting: ContextVar[int] = ContextVar("nesting", default=0)
_left: ContextVar[int] = ContextVar("left", default=STEPS)


@contextmanager
def budget(steps: int = STEPS) -> Iterator[None]:
    token = _left.set(steps)
    try:
        yield
    finally:
        _left.reset(token)


def spend(steps: int = 1) -> None:
    """Raises TooMuch when the budget is used up."""
    left = _left.get() - steps
    if left < 0:
        raise TooMuch
    _left.set(left)


@contextmanager
def nested() -> Iterator[None]:
    """A schema that leads back to itself ends here, far from Python's own limit (which the native parts of
    jsonschema do not survive). Raises TooMuch.
    """
    depth = _nesting.get()
    if depth >= MAX_NESTING:
        raise TooMuch
    _nesting.set(depth + 1)
    try:
        yield
    finally:
        _nesting.set(depth)
