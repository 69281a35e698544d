"""Highway's published Driver and highway-sdk, unmodified, against the product as separate processes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.clients import environments
from tests.e2e.clients.lossy import Lossy, lossy
from tests.e2e.product import Product

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

TENANT = "published"
PROGRAMS = Path(__file__).parent / "clients" / "programs"
SCENARIOS = ("work", "python", "durable", "events", "once", "endless", "failing")
Result = dict[str, Any]


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    """An admin's key of a tenant that may use every tool and reach the product itself."""
    product.manage("create_tenant", TENANT, "--api-url", product.url, "--tool", "tools.*")
    return product.manage("create_api_key", "--tenant", TENANT, "--name", "clients", "--role", "admin").splitlines()[-1]


@pytest.fixture(scope="module")
def api(product: Product, key: str) -> Iterator[httpx.Client]:
    with product.api(key) as client:
        yield client


@pytest.fixture(scope="module")
def between(product: Product) -> Iterator[Lossy]:
    with lossy(product.url) as server:
        yield server


@pytest.fixture(scope="module")
def results(
    product: Product, key: str, between: Lossy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Result]]:
    """All programs start at once, since the Driver polls every five seconds only. `results(name)` waits for one."""
    folder = tmp_path_factory.mktemp("clients")

    def run(name: str) -> Result:
        home = folder / name
        home.mkdir()
        program = "sdk" if name == "sdk" else "driver"
        command = [str(environments.python(program)), "-W", "ignore", str(PROGRAMS / f"{program}.py"), name]
        address = between.url if name == "once" else product.url
        known = {"HIGHWAY_API_KEY": key, "HIGHWAY_API_ENDPOINT": address, "MARK": str(home / "mark")}
        done = subprocess.run(
            command, cwd=home, env={**os.environ, **known}, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: Result = json.loads(done.stdout.splitlines()[-1])
        return answer

    with ThreadPoolExecutor(len(SCENARIOS) + 1) as pool:
        futures = {name: pool.submit(run, name) for name in ("endless", "once", *SCENARIOS[:4], "failing", "sdk")}
        yield lambda name: futures[name].result()


def runs_named(api: httpx.Client, name: str) -> list[Result]:
    found: list[Result] = api.get("workflows", params={"workflow_name": name}).json()["workflows"]
    return found


def test_a_run_that_somebody_cancels_is_reported_cancelled(
    product: Product, api: httpx.Client, results: Callable[[str], Result]
) -> None:
    product.until(lambda: [run["status"] for run in runs_named(api, "client_endless")] == ["running"], "the run", 120)
    run_id = runs_named(api, "client_endless")[0]["workflow_run_id"]
    cancelled, again = (api.post(f"workflows/{run_id}/cancel") for _ in range(2))

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert again.status_code == 409
    told = results("endless")
    assert (told["run_id"], told["status"]) == (run_id, "cancelled")


def test_shell_http_and_python_with_dependencies_retries_inputs_and_a_delay(
    api: httpx.Client, results: Callable[[str], Result]
) -> None:
    told = results("work")

    assert (told["status"], told["error"]) == ("completed", None)
    assert told["tasks"]["highway_task"]["stdout"] == "hello me 200 45\n"
    steps = api.get(f"workflows/{told['run_id']}/steps").json()
    attempts = [(step["path"], step["attempt"], step["status"]) for step in steps["steps"]]
    assert attempts[:2] == [("first", 1, "failed"), ("first", 2, "succeeded")]
    assert {path for path, _, _ in attempts} == {"first", "ask", "compute", "last_wait", "last"}


def test_a_python_task_returns_its_value(results: Callable[[str], Result]) -> None:
    told = results("python")

    assert told["status"] == "completed", told
    assert told["tasks"]["highway_task"]["parsed_result"] == {"ok": True, "text": "quotes ' and \" and {braces}"}


def test_durable_tasks_run_from_the_artifact_that_the_driver_uploads(
    api: httpx.Client, results: Callable[[str], Result]
) -> None:
    told = results("durable")

    assert (told["status"], told["tasks"]["highway_task"]) == ("completed", {"shouted": "HELLO ME"}), told
    listed = api.get("artifacts").json()
    assert (listed["count"], listed["artifacts"][0]["name"][:13]) == (1, "driver_tasks_")


def test_events_wake_those_who_wait(results: Callable[[str], Result]) -> None:
    told = results("events")

    assert (told["status"], told["tasks"]["highway_task"]["stdout"]) == ("completed", "both\n"), told


def test_a_failure_is_told_with_its_reason(results: Callable[[str], Result]) -> None:
    told = results("failing")

    assert told["status"] == "failed"
    assert "exit code 3: oops" in told["error"]


def test_a_submission_repeated_after_a_500_is_one_run(
    api: httpx.Client, between: Lossy, results: Callable[[str], Result]
) -> None:
    told = results("once")

    assert (told["status"], told["tasks"]["highway_task"]["stdout"]) == ("completed", "once\n"), told
    keys, answers = zip(*between.submitted, strict=True)
    assert len(keys) == 2 and len(set(keys)) == 1
    assert {answer["workflow_run_id"] for answer in answers} == {told["run_id"]}
    assert [run["workflow_run_id"] for run in runs_named(api, "client_once")] == [told["run_id"]]


def test_highway_sdk_reads_health_and_manages_keys(results: Callable[[str], Result]) -> None:
    told = results("sdk")

    assert set(told["health"]["checks"]) >= {"database", "workers", "scheduler", "broker"}
    assert told["made"]["begins"] == told["rotated"] == "hw_k1_"
    assert told["made"]["id"] in told["listed"] and told["total"] == len(told["listed"]) >= 2
    assert told["read"]["status"] == "active" and told["read"]["rate_limit"] == 6000
    assert (told["again"], told["unknown"]) == (409, "NOT_FOUND")
