"""Separate processes, started by the units' own command lines, on PostgreSQL and RabbitMQ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.stack import ROOT, Stack, answers, wait_until
from tests.roof.units import units
from tests.services import free_port

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
EXAMPLE = ROOT / "examples" / "welcome_email.py"


class Deployment(Stack):
    """Private servers and the processes of the three units, with what would stand in /etc/highway/highway.env."""

    def __init__(self) -> None:
        super().__init__("rabbitmq", HIGHWAY_BASE_URL=f"http://127.0.0.1:{free_port()}")

    def start_units(self) -> None:
        port = self.settings["HIGHWAY_BASE_URL"].rpartition(":")[2]
        for name, unit in units().items():
            command = unit.command(ROOT, Path(sys.executable).parent)
            process = self._product(name, command)
            process.environment = {**unit.environment, **self.environment, "GRANIAN_PORT": port}
            process.start()

    @property
    def url(self) -> str:
        return self.settings["HIGHWAY_BASE_URL"]


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with Deployment() as stack:
        stack.start_units()
        wait_until(lambda: answers(f"{stack.url}/ping"), "the web process", 60)
        yield stack


def test_the_welcome_program_runs_end_to_end(deployment: Deployment) -> None:
    deployment.manage("create_tenant", "units", "--api-url", deployment.url)
    key = deployment.manage("create_api_key", "--tenant", "units", "--name", "t", "--role", "admin")
    deployment.manage("create_user", "ada@example.com", "--tenant", "units")
    deployment.manage("import_templates", str(EXAMPLE), "--tenant", "units")
    with httpx.Client(base_url=f"{deployment.url}/api/v1/", headers={"X-API-Key": key}, timeout=30) as api:
        wait_until(lambda: well(api), "all processes to be well", 60)
        answer = api.post("templates/welcome_email_sequence/run", json={"inputs": {"email": "ada@example.com"}})
        assert answer.status_code == 202, answer.text
        run = f"workflows/{answer.json()['workflow_run_id']}"
        wait_until(lambda: api.get(run).json()["status"] == "sleeping", "the run to sleep for two days", 60)
        deployment.clock_file.write_text(str(2 * 86_400 + 60))
        wait_until(lambda: api.get(run).json()["status"] in ("completed", "failed"), "the run to end", 60)
        ended = api.get(run).json()
    assert (ended["status"], ended["error"]) == ("completed", "")
    mails = [path.read_text() for path in (deployment.folder / "var" / "mail").rglob("*.log")]
    assert [sum(subject in mail for mail in mails) for subject in ("Welcome to Highway!", "Need help")] == [1, 1]


def well(api: httpx.Client) -> bool:
    return bool(api.get("health").json()["data"]["status"] == "healthy")
