"""Functions that tests let workflows call."""

from __future__ import annotations

import os
import time
from os import getcwd, getpid
from typing import Any

__all__ = ["getpid"]


def add(a: int, b: int = 1) -> int:
    print(f"adding {a} and {b}")  # noqa: T201
    return a + b


def about(ctx: Any, *, loud: bool = False) -> list[Any]:
    return [ctx.workflow_name, ctx.step, ctx.attempt, ctx.get_variable("who", "nobody"), loud]


def wait() -> None:
    time.sleep(60)


def fail() -> None:
    raise RuntimeError("the function's own error")


def unfit() -> object:
    return object()


class Group:
    @staticmethod
    def inner(timeout: int) -> int:
        return timeout


NUMBER = 5

HERE = os.path.join(getcwd(), "jobs")
