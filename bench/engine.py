"""What durable execution costs: chains of five trivial steps on PostgreSQL, submitted by `submit_run` in a loop.

Usage: bench/engine.py [--runs 2000] [--workers 2] [--threads 8]
Counts commits, WAL and CPU of everything between the first submission and the dispatch of the last completion event,
less what the idle installation does in an equal time; then the latency from submission to the first step at 20/s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import psycopg

from bench import product
from bench.stack import Process, Stack, say, wait_until

STEPS = 5
RATE = 20.0
LIMIT_COMMITS = 8.0
SETTLE_SECONDS = 3.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--latency-runs", type=int, default=200)
    given = options.parse_args()
    with Stack(broker="redis", HIGHWAY_DEBUG="1") as stack:
        processes = [stack.worker(f"worker{number}", given.threads).start() for number in range(given.workers)]
        processes.append(stack.scheduler().start())
        product.connect(stack)
        definition = prepare()
        warm_up(definition)
        throughput = measure(stack, processes, definition, given.runs)
        latency = measure_latency(definition, given.latency_runs)
    return report({**throughput, **latency}, given.runs)


def prepare() -> Any:
    from runs_app.actions import store_definition
    from tenants_app.actions import create_tenant

    tenant = create_tenant("bench", "Bench", tools=["tools.*"])
    tasks = {
        f"step{number}": {
            "task_id": f"step{number}",
            "operator_type": "task",
            "function": "tools.log.info",
            "kwargs": {"message": "done"},
            "dependencies": [f"step{number - 1}"] if number else [],
        }
        for number in range(STEPS)
    }
    return store_definition(tenant, {"name": "chain", "version": "1", "tasks": tasks})[0]


def submit(definition: Any) -> Any:
    from runs_app.actions import submit_run
    from runs_app.cause import Cause

    return submit_run(definition=definition, inputs={}, cause=Cause("command"))[0]


def warm_up(definition: Any) -> None:
    for _ in range(50):
        submit(definition)
    wait_until(all_done, "the warm-up runs", 120)


def all_done() -> bool:
    from runs_app.models import WorkflowRun
    from triggers_app.models import Event

    if WorkflowRun.objects.all_tenants().open().exists():
        return False
    return not Event.objects.all_tenants().filter(dispatched_at=None).exists()


def measure(stack: Stack, processes: list[Process], definition: Any, runs: int) -> dict[str, float]:
    before = figures(stack, processes)
    began = time.monotonic()
    for _ in range(runs):
        submit(definition)
    submitted = time.monotonic() - began
    wait_until(all_done, "all runs to end", 600)
    took = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)  # the server publishes its counters with a delay
    after = figures(stack, processes)
    time.sleep(took)
    idle = figures(stack, processes)
    spent = {key: (after[key] - before[key]) - (idle[key] - after[key]) for key in before}
    return {
        "runs/s": runs / took,
        "submissions/s": runs / submitted,
        "commits/run": spent["commits"] / runs,
        "WAL bytes/run": spent["wal"] / runs,
        "CPU s/1000 runs, workers and scheduler": spent["cpu_product"] / runs * 1000,
        "CPU s/1000 runs, PostgreSQL": spent["cpu_postgres"] / runs * 1000,
        "CPU s/1000 runs, submitting client": spent["cpu_client"] / runs * 1000,
    }


def figures(stack: Stack, processes: list[Process]) -> dict[str, float]:
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        commits = connection.execute(query).fetchone()
        wal = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    return {
        "commits": float(commits[0]) if commits else 0.0,
        "wal": float(wal[0]) if wal else 0.0,
        "cpu_product": sum(cpu_of(process.pid) for process in processes),
        "cpu_postgres": cpu_of(stack.postgres.pid),
        "cpu_client": sum(os.times()[:2]),
    }


def cpu_of(pid: int) -> float:
    process = psutil.Process(pid)
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def measure_latency(definition: Any, runs: int) -> dict[str, float]:
    from runs_app.models import StepRun

    begun: dict[Any, Any] = {}
    for _ in range(runs):
        at = time.monotonic()
        run = submit(definition)
        begun[run.pk] = run.created_at
        time.sleep(max(0.0, 1 / RATE - (time.monotonic() - at)))
    wait_until(all_done, "the runs of the latency test", 120)
    steps = (
        StepRun.objects.all_tenants().filter(run_id__in=list(begun), path="step0").values_list("run_id", "started_at")
    )
    delays = sorted((started - begun[run_id]).total_seconds() * 1000 for run_id, started in steps)
    return {"start p50 ms": statistics.median(delays), "start p99 ms": delays[int(len(delays) * 0.99) - 1]}


def report(found: dict[str, float], runs: int) -> int:
    say(f"{runs} runs of {STEPS} steps")
    for name, value in found.items():
        say(f"  {name:<42} {value:10.2f}")
    if found["commits/run"] > LIMIT_COMMITS:
        say(f"More than {LIMIT_COMMITS:g} commits per run.")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
