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

from bench.stack import ROOT, Stack, say
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
        failed = [role for role in roles if fuzz(stack, role, given.seconds * SHARES[role] / whole, given.seed)]
    say(f"fuzz: {'found something as ' + ', '.join(failed) if failed else 'nothing found'}")
    return 1 if failed else 0


def fuzz(stack: Stack, role: str, seconds: float, seed: int) -> int:
    """Everything as this role of a tenant of its own; then what stops a tenant, which would end all the rest."""
    say(f"--- {role}: {seconds:.0f} s")
    tenant = f"fuzz-{role}"
    stack.manage("create_tenant", tenant, "--tool", "tools.*")
    admin, key = (stack.manage("create_api_key", "--tenant", tenant, "--name", r, "--role", r) for r in ("admin", role))
    known = json.dumps(seeded(stack.web_url, admin))
    codes = [
        schemathesis(stack, key, known, seed, seconds * 0.9, "--exclude-path-regex", STOPPING),
        schemathesis(stack, key, known, seed, seconds * 0.1, "--include-path-regex", STOPPING),
    ]
    return max(codes)


def schemathesis(stack: Stack, key: str, known: str, seed: int, seconds: float, *which: str) -> int:
    url = f"{stack.web_url}/api/v1/schema?format=json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "--seed", str(seed), *which]
    command += ["--max-time", str(max(int(seconds), 3)), "--header", f"Authorization: Bearer {key}"]
    command += ["--checks", ",".join(CHECKS), "--request-timeout", "30", "--continue-on-failure"]
    command += ["--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    hooks = {"SCHEMATHESIS_HOOKS": "bench.fuzz_hooks", "FUZZ_KNOWN": known, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=stack.folder, env={**os.environ, **hooks}).returncode


def seeded(url: str, key: str) -> dict[str, Any]:
    """Some of everything, by the first word of its path, so that requests also meet what exists."""
    with httpx.Client(base_url=f"{url}/api/v1/", headers={"X-API-Key": key}, timeout=30) as api:
        mark = f"{random.randrange(10**9)}"  # noqa: S311
        names = [f"seed-{mark}-{n}" for n in range(SEEDS)]

        def made(path: str, body: dict[str, Any], field: str) -> str:
            answer = api.post(path, json=body)
            if answer.status_code not in {200, 201, 202}:
                raise RuntimeError(f"{path}: {answer.text}")
            return str(answer.json()[field])

        template = {"workflow_definition": DEFINITION, "input_schema": SCHEMA}
        known: dict[str, Any] = {
            "templates": [made("templates", {"name": name, **template}, "name") for name in names],
            "variables": [
                made("variables", {"name": n.replace("-", "_").upper(), "value": "1"}, "name") for n in names
            ],
            "memberships": [made("memberships", {"email": f"{n}@example.com"}, "id") for n in names],
            "users": [f"{name}@example.com" for name in names],
            "workflows": [made("workflows", {"workflow_definition": DEFINITION}, "workflow_run_id") for _ in names],
            "events": [made("events", {"type": "fuzzed", "payload": {"n": 1}}, "event_id") for _ in names],
            "api-keys": [made("admin/api-keys", {"name": name}, "api_key_id") for name in names],
        }
        schedules = [{"name": n, "cron_expression": "0 3 * * *", "template": n} for n in names]
        triggers = [{"name": n, "event_type": "other", "template": n} for n in names]
        known["schedules"] = [made("schedules", body, "schedule_id") for body in schedules]
        known["triggers"] = [made("triggers", body, "trigger_id") for body in triggers]
        sent = api.post("artifacts", files={"artifact": ("a.zip", a_zip({"a.py": "x = 1\n"}), "application/zip")})
        known["artifacts"] = [sent.json()["artifact_id"]]
        known["definitions"] = [api.get("workflows/definitions").json()["definitions"][0]["definition_id"]]
        known["definition"] = DEFINITION
        return known


if __name__ == "__main__":
    raise SystemExit(main())
