"""This process as a client of a private installation."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any, TypeVar

from bench.stack import Stack

T = TypeVar("T")


def connect(stack: Stack) -> None:
    os.environ.update(stack.environment)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_automation.settings")
    import django

    django.setup()


def tenant() -> Any:
    from tenants_app.actions import create_tenant

    return create_tenant(f"t{random.randrange(10**9)}", "Chaos", tools=["tools.*"])  # noqa: S311


def patient(read: Callable[[], T], seconds: float = 60) -> T:
    """Read from the database even while it restarts."""
    import time

    from django.db import InterfaceError, OperationalError, connection

    deadline = time.monotonic() + seconds
    while True:
        try:
            return read()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.2)
