"""Programs of a user of the published Driver: `driver.py SCENARIO` runs one and prints its result as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from highway import Driver

TIMEOUT = 100


# The Driver sends the source of py and durable functions as it stands here, without what this file imports.
# mypy: disable-error-code="no-untyped-def,type-arg,untyped-decorator"


def work() -> Driver:
    """Shell, Python and HTTP with dependencies, retries, inputs and a delay."""
    driver = Driver(name="client-work")
    base = os.environ["HIGHWAY_API_ENDPOINT"]
    mark = os.environ["MARK"]

    @driver.task(shell=True, retries=2, retry_delay=0.2)
    def first() -> str:
        return f"test -e {mark} || {{ touch {mark}; exit 7; }}; echo hello {{{{inputs.who}}}}"

    @driver.task(http=True, depends=["first"], retries=1, retry_delay=0.2)
    def ask() -> dict[str, Any]:
        return {"url": f"{base}/ping", "method": "GET"}

    @driver.task(py=True, depends=["first"])
    def compute() -> dict:
        return {"sum": sum(range(10))}

    @driver.task(shell=True, depends=["ask", "compute"], delay=timedelta(seconds=1))
    def last() -> str:
        return "echo {{first_result.stdout}} {{ask_result.status_code}} {{compute_result.result.sum}}"

    return driver


def python() -> Driver:
    """What a Python task returns, as the Driver parses it."""
    driver = Driver(name="client-python")

    @driver.task(py=True)
    def compute() -> dict:
        return {"ok": True, "text": "quotes ' and \" and {braces}"}

    return driver


def durable() -> Driver:
    """Functions uploaded as an artifact; they know the run's inputs and each other's results."""
    driver = Driver(name="client-durable")

    @driver.task(durable=True)
    def greet(ctx):
        return {"greeting": "hello " + ctx.get_variable("who", "nobody")}

    @driver.task(durable=True, depends=["greet"], func_kwargs={"text": "{{greet_result.greeting}}"})
    def shout(text):
        return {"shouted": text.upper()}

    return driver


def events() -> Driver:
    """One branch says what another waits for."""
    driver = Driver(name="client-events")

    @driver.wait_for(event="client_ready", timeout=60)
    def receive() -> None: ...

    @driver.task(shell=True)
    def prepare() -> str:
        return "sleep 1"

    @driver.emit(event="client_ready", payload={"n": 1}, depends=["prepare"])
    def send() -> None: ...

    @driver.task(shell=True, depends=["receive", "send"])
    def done() -> str:
        return "echo both"

    return driver


def once() -> Driver:
    """Short, for a server whose first answer gets lost."""
    driver = Driver(name="client-once")

    @driver.task(shell=True)
    def say() -> str:
        return "echo once"

    return driver


def endless() -> Driver:
    """Long, to be cancelled by somebody else."""
    driver = Driver(name="client-endless")

    @driver.task(shell=True)
    def sleep() -> str:
        return "sleep 600"

    return driver


def failing() -> Driver:
    driver = Driver(name="client-failing")

    @driver.task(shell=True)
    def fail() -> str:
        return "echo oops >&2; exit 3"

    return driver


SCENARIOS: list[Callable[[], Driver]] = [work, python, durable, events, once, endless, failing]


def main(name: str) -> None:
    driver = next(scenario for scenario in SCENARIOS if scenario.__name__ == name)()
    result = driver.run(timeout=TIMEOUT, inputs={"who": "me"} if name in {"work", "durable"} else None)
    tasks = {key: task.result for key, task in result.tasks.items()}
    told = {"run_id": result.run_id, "status": result.status, "error": result.error, "tasks": tasks}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
