"""Kills, freezes, emptied and stopped brokers, database restarts; then what must hold is checked.

Usage: bench/chaos.py [--seconds 600]
Servers are private (bench/stack.py). Once with Redis and once with RabbitMQ the scenarios are repeated until half of
the time is spent; every scenario runs at least once. The clock test follows. Exit code 1 names what was violated.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import product, scenarios, ticks
from bench.stack import Stack, say

LEASE = "4"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    options.add_argument("--broker", choices=["redis", "rabbitmq"], help="only this one")
    given = options.parse_args()
    if given.broker:
        return with_broker(given.broker, given.seconds, given.seed)
    shared = ["--seconds", str(given.seconds), "--seed", str(given.seed)]
    command = [sys.executable, str(Path(__file__).resolve()), *shared, "--broker"]
    return max(subprocess.run([*command, broker]).returncode for broker in ("redis", "rabbitmq"))  # noqa: S603


def with_broker(broker: str, seconds: float, seed: int) -> int:
    random.seed(seed)
    say(f"chaos with {broker}: seed {seed}, about {seconds:g} s for both brokers")
    short = seconds <= 120
    with Stack(broker, HIGHWAY_LEASE_SECONDS=LEASE, HIGHWAY_DB_POOL="20") as stack:
        product.connect(stack)
        failures = chaos(stack, seconds / 3, short=short)
        if broker == "redis":
            failures += ticks.clock_test(stack, seconds=20 if short else 60)
    for failure in failures:
        say(f"VIOLATED: {failure}")
    say(f"chaos with {broker}: {len(failures)} violations")
    return 1 if failures else 0


def chaos(stack: Stack, seconds: float, *, short: bool) -> list[str]:
    world = scenarios.World(stack)
    deadline = time.monotonic() + seconds
    names = scenarios.SHORT[stack.broker_kind] if short else list(scenarios.SCENARIOS)
    rounds = 0
    while not rounds or (time.monotonic() < deadline and not short):
        rounds += 1
        for name in random.sample(names, len(names)):
            began = time.monotonic()
            scenarios.SCENARIOS[name](world)
            say(f"  {stack.broker_kind}: {name} ({time.monotonic() - began:.1f} s)")
    return world.settle()


if __name__ == "__main__":
    raise SystemExit(main())
