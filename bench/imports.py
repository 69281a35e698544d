"""How long 5,000 templates, schedules and triggers take to import, each from one CSV and from one YAML file.

Usage: bench/imports.py [--rows 5000] [--databases sqlite,postgresql]
For each: the first import, the second (nothing changes), one with every row changed, and one with a single bad row,
which must write nothing and name its line. Each figure is a whole `manage.py` command, its start included: seconds, and
CPU seconds behind the slash, which other load on the machine does not touch.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml

from bench.stack import FERNET_KEY, ROOT, Stack, say

LIMIT_SECONDS = 60.0
KINDS = ("templates", "schedules", "triggers")
Row = dict[str, Any]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5000)
    options.add_argument("--databases", default="sqlite,postgresql")
    given = options.parse_args()
    slowest = 0.0
    for database in given.databases.split(","):
        with installation(database) as environment, tempfile.TemporaryDirectory(prefix="highway-import-") as folder:
            for form in ("csv", "yaml"):
                manage(environment, "create_tenant", form)
                for kind in KINDS:
                    slowest = max(slowest, *measure(environment, database, Path(folder), kind, form, given.rows))
    say(f"The slowest took {slowest:.1f} s; the limit is {LIMIT_SECONDS:g} s.")
    return int(slowest > LIMIT_SECONDS)


@contextlib.contextmanager
def installation(database: str) -> Iterator[dict[str, str]]:
    if database == "postgresql":
        with Stack() as stack:
            yield stack.environment
        return
    with tempfile.TemporaryDirectory(prefix="highway-import-") as folder:
        environment = {
            "HIGHWAY_DEBUG": "1",
            "VAR_DIR": folder,
            "HIGHWAY_SECRET_KEY": "a-private-installation-for-measurements",
            "HIGHWAY_ENCRYPTION_KEYS": FERNET_KEY,
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        }
        manage(environment, "migrate", "--verbosity", "0")
        yield environment


def manage(environment: dict[str, str], *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def measure(
    environment: dict[str, str], database: str, folder: Path, kind: str, form: str, count: int
) -> tuple[float, ...]:
    rows = [ROWS[kind](number) for number in range(count)]
    path = write(folder / f"{kind}.{form}", kind, rows)
    expected = {"create": 0, "update": 0, "unchanged": 0}
    first = imported(environment, path, kind, form, {**expected, "create": count})
    second = imported(environment, path, kind, form, {**expected, "unchanged": count})
    changed = write(folder / f"changed.{form}", kind, [row | CHANGE[kind] for row in rows])
    update = imported(environment, changed, kind, form, {**expected, "update": count})
    bad = refused(environment, folder / f"bad.{form}", kind, form, rows)
    say(
        f"{database:<10} {form:<4} {kind:<9} {count} rows: first {first}, again {second}, all changed {update}, "
        f"one bad row {bad}"
    )
    return tuple(took.seconds for took in (first, second, update, bad))


class Took(NamedTuple):
    seconds: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f}/{self.cpu:.1f} s"


class Watch:
    """How long something takes, and how much CPU the processes that it starts use."""

    def __init__(self) -> None:
        self.began, self.used = time.monotonic(), cpu()

    def took(self) -> Took:
        return Took(time.monotonic() - self.began, cpu() - self.used)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def imported(environment: dict[str, str], path: Path, kind: str, tenant: str, counts: dict[str, int]) -> Took:
    watch = Watch()
    code, out, err = manage(environment, f"import_{kind}", str(path), "--tenant", tenant, "--json")
    took = watch.took()
    assert code == 0, err[-2000:]
    assert json.loads(out)["counts"] == counts, json.loads(out)["counts"]
    return took


def refused(environment: dict[str, str], path: Path, kind: str, tenant: str, rows: list[Row]) -> Took:
    """All rows but one are another change; that one is bad, and its line is named."""
    changed = [row | {"name": f"{row['name']}-more"} for row in rows]
    changed[len(changed) // 2] |= BAD[kind]
    write(path, kind, changed)
    bad_name = changed[len(changed) // 2]["name"]
    lines = (number for number, line in enumerate(path.read_text().splitlines(), 1) if bad_name in line)
    watch = Watch()
    code, _out, err = manage(environment, f"import_{kind}", str(path), "--tenant", tenant)
    took = watch.took()
    told = (line.removeprefix("CommandError: ") for line in err.splitlines())
    places = {int(line.split(":")[1]) for line in told if line.startswith(str(path))}
    here = next(lines)
    assert code == 1, err[-2000:]
    assert places, err[-2000:]
    assert all(here <= place <= here + 30 for place in places), (here, places)
    return took


def write(path: Path, kind: str, rows: list[Row]) -> Path:
    if path.suffix == ".yaml":
        path.write_text(yaml.dump({kind: rows}, Dumper=yaml.CSafeDumper, sort_keys=False))
        return path
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({key: cell(value) for key, value in row.items()} for row in rows)
    return path


def cell(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def template(number: int) -> Row:
    def step(name: str, message: str, *after: str) -> Row:
        return {
            "task_id": name,
            "operator_type": "task",
            "function": "tools.log.info",
            "kwargs": {"message": message},
            "dependencies": list(after),
        }

    tasks = {
        "begin": step("begin", f"Customer {number}: {{{{inputs.who}}}}"),
        "work": step("work", "{{steps.begin.output}} on {{run.id}}", "begin"),
        "finish": step("finish", "done", "work"),
    }
    properties = {
        "who": {"type": "string", "default": f"customer {number}"},
        "times": {"type": "integer", "minimum": 1},
    }
    return {
        "name": f"customer-{number}",
        "description": f"What is done for customer {number}.",
        "category": "etl",
        "tags": ["nightly", f"group-{number % 50}"],
        "enabled": True,
        "input_schema": {"type": "object", "properties": properties, "additionalProperties": False},
        "workflow_definition": {"name": f"customer_{number}", "version": "1.0.0", "tasks": tasks},
    }


def schedule(number: int) -> Row:
    return {
        "name": f"nightly customer-{number}",
        "cron_expression": f"{number % 60} {number % 24} * * {number % 7}",
        "timezone": "Europe/Berlin",
        "template": f"customer-{number}",
        "inputs": {"who": f"customer {number}"},
        "overlap": "skip",
    }


def trigger(number: int) -> Row:
    return {
        "name": f"order of customer-{number}",
        "event_type": "order_placed",
        "filter_expression": {"customer": [f"customer-{number}"]},
        "template": f"customer-{number}",
        "input_mapping": {"who": "${event.payload.who}"},
        "mode": "live",
    }


ROWS = {"templates": template, "schedules": schedule, "triggers": trigger}
CHANGE: dict[str, Row] = {
    "templates": {"category": "changed"},
    "schedules": {"cron_expression": "5 5 * * *"},
    "triggers": {"mode": "shadow"},
}
BAD: dict[str, Row] = {
    "templates": {"input_schema": {"type": 3}},
    "schedules": {"cron_expression": "99 * * * *"},
    "triggers": {"event_type": ""},
}

if __name__ == "__main__":
    raise SystemExit(main())
