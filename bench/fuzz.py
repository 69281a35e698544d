"""Schemathesis against a real web server on a PostgreSQL of its own: no 5xx, no answer that the description lacks.

Usage: bench/fuzz.py [--seconds 600] [--seed N] [--role admin]
Each role asks with a key of its own. No worker runs: what the requests invent is stored and never executed.
Exit code 1 when something was found; Schemathesis prints it with a curl command.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx

from bench.stack import ROOT, Stack, say, wait_until
from tests.e2e.zips import a_zip

SHARES = {"admin": 0.7, "editor": 0.12, "operator": 0.1, "viewer": 0.08}
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "ignored_auth", "use_after_free"),
)
STOPPING = "/admin/(stop|resume)$"
SEEDS = 12
TASK = {"task_id": "say", "operator_type": "task", "function": "tools.log.info", "kwargs": {"message": "${inputs.who}"}}
DEFINITION = {"name": "say", "version": "1", "tasks": {"say": TASK}}
ASK = {
    **{"task_id": "ask", "operator_type": "task", "function": "tools.approval.request"},
    "kwargs": {"approval_key": "ask-${run.id}", "title": "May it?"},
}
SCHEMA = {"type": "object", "properties": {"who": {"type": "string", "default": "you"}}}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    options.add_argument("--role", choices=list(SHARES), help="only this one")
    given = options.parse_args()
    roles = [given.role] if given.role else list(SHARES)
    whole = sum(SHARES[role] for role in roles)
    say(f"fuzz: seed {given.seed}, about {given.seconds:g} s")
    with Stack(HIGHWAY_DB_POOL="20", HIGHWAY_THROTTLE="1000000/min", HIGHWAY_LOGIN_THROTTLE="1000000/min") as stack:
        stack.web().start()
        worker = stack.worker().start()
        worlds = {role: World(stack, role) for role in roles}
        worker.stop()
        failed = [
            role for role, world in worlds.items() if world.fuzz(given.seconds * SHARES[role] / whole, given.seed)
        ]
    say(f"fuzz: {'found something as ' + ', '.join(failed) if failed else 'nothing found'}")
    return 1 if failed else 0


class World:
    """A tenant with some of everything, and a key of the role that asks."""

    def __init__(self, stack: Stack, role: str) -> None:
        self.stack, self.role, tenant = stack, role, f"fuzz-{role}"
        stack.manage("create_tenant", tenant, "--tool", "tools.*")
        admin = stack.manage("create_api_key", "--tenant", tenant, "--name", "seeds", "--role", "admin")
        with httpx.Client(base_url=f"{stack.web_url}/api/v1/", headers={"X-API-Key": admin}, timeout=30) as api:
            self.key = api.post("admin/api-keys", json={"name": "fuzz", "role": role}).json()["api_key"]
            self.known = seeded(api)

    def fuzz(self, seconds: float, seed: int) -> int:
        """All but what stops the tenant, and then that: it would end everything else."""
        say(f"--- {self.role}: {seconds:.0f} s")
        most = self.schemathesis(seconds * 0.9, seed, "--exclude-path-regex", STOPPING)
        return most | self.schemathesis(seconds * 0.1, seed, "--include-path-regex", STOPPING)

    def schemathesis(self, seconds: float, seed: int, *which: str) -> int:
        url = f"{self.stack.web_url}/api/v1/schema?format=json"
        command = [sys.executable, "-m", "schemathesis.cli", "run", url, "--seed", str(seed), *which]
        command += ["--max-time", str(max(int(seconds), 3)), "--header", f"Authorization: Bearer {self.key}"]
        command += ["--checks", ",".join(CHECKS), "--request-timeout", "30", "--continue-on-failure"]
        command += ["--suppress-health-check", "all", "--warnings", "off", "--no-color"]
        known = json.dumps(self.known)
        hooks = {"SCHEMATHESIS_HOOKS": "bench.fuzz_hooks", "FUZZ_KNOWN": known, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=self.stack.folder, env={**os.environ, **hooks}).returncode


def seeded(api: httpx.Client) -> dict[str, Any]:
    """Some of everything, by the first word of its path, so that requests also meet what exists."""
    names = [f"seed-{n}" for n in range(SEEDS)]

    def made(path: str, body: dict[str, Any], field: str) -> str:
        answer = api.post(path, json=body)
        if answer.status_code not in {200, 201, 202}:
            raise RuntimeError(f"{path}: {answer.text}")
        return str(answer.json()[field])

    def ids(path: str, field: str) -> list[str]:
        """What the worker makes of it."""
        wait_until(lambda: api.get(path).json()["total"] >= SEEDS, path)
        return [row[field] for row in api.get(path).json()[path]]

    template = {"workflow_definition": DEFINITION, "input_schema": SCHEMA}
    asking = {"name": "ask", "version": "1", "tasks": {"ask": ASK}}
    known: dict[str, Any] = {
        "templates": [made("templates", {"name": name, **template}, "name") for name in names],
        "variables": [made("variables", {"name": f"SEED_{n}", "value": "1"}, "name") for n in range(SEEDS)],
        "memberships": [made("memberships", {"email": f"{n}@example.com"}, "id") for n in names],
        "users": [f"{name}@example.com" for name in names],
        "api-keys": [made("admin/api-keys", {"name": name}, "api_key_id") for name in names],
    }
    schedules = [{"name": name, "cron_expression": "0 3 * * *", "template": name} for name in names]
    known["schedules"] = [made("schedules", body, "schedule_id") for body in schedules]
    triggers = [{"name": name, "event_type": "fuzzed", "template": name} for name in names]
    known["triggers"] = [made("triggers", body, "trigger_id") for body in triggers]
    known["events"] = [made("events", {"type": "fuzzed", "payload": {"n": 1}}, "event_id")]
    known["workflows"] = [made("workflows", {"workflow_definition": asking}, "workflow_run_id") for _ in names]
    known["approvals"], known["deliveries"] = ids("approvals", "approval_key"), ids("deliveries", "delivery_id")
    sent = api.post("artifacts", files={"artifact": ("a.zip", a_zip({"a.py": "x = 1\n"}), "application/zip")})
    known["artifacts"] = [sent.json()["artifact_id"]]
    known["definitions"] = [row["definition_id"] for row in api.get("workflows/definitions").json()["definitions"]]
    known["definition"] = DEFINITION
    return known


if __name__ == "__main__":
    raise SystemExit(main())
