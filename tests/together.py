"""Calls made at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from highway_automation.base.errors import HighwayError

BOUND_SECONDS = 60


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave, all begun together, each with a database connection of its own.

    A refusal counts by its class name.
    """
    together = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        together.wait(BOUND_SECONDS)
        try:
            return call()
        except HighwayError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls, timeout=BOUND_SECONDS))
