"""The ticket's use cases as they are imported from `examples/`, each with its alert path, against real servers."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.product import Product
from tests.e2e.use_cases import Case, cases
from tests.runs.tools.servers import Site, serving

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

NAMES = ["health", "uptime", "backup", "cleanup", "failures", "etl", "approvals"]
DAY = 86_400.0
ASKING = {
    "name": "asking",
    "tasks": {
        "ask": {
            "task_id": "ask",
            "operator_type": "task",
            "function": "tools.approval.request",
            "kwargs": {"approval_key": "{{inputs.key}}", "title": "Deploy {{inputs.key}}?"},
        }
    },
}
BROKEN = {
    "name": "broken",
    "tasks": {
        "fail": {
            "task_id": "fail",
            "operator_type": "task",
            "function": "tools.shell.run",
            "args": ["echo no >&2; exit 3"],
        }
    },
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def world(product: Product, site: Site) -> Iterator[dict[str, Case]]:
    made = cases(product, site, NAMES)
    yield made
    for case in made.values():
        case.api.close()


def create(case: Case, definition: dict[str, Any]) -> str:
    answer = case.api.post("templates", json={"name": definition["name"], "workflow_definition": definition})
    assert answer.status_code == 201, answer.text
    return str(definition["name"])


def test_the_product_is_watched_by_itself(world: dict[str, Case]) -> None:
    case = world["health"]
    run = case.fire("worker_health")
    assert run["error"] == "" and run["status"] == "completed"
    run = case.fire("website_uptime")
    assert run["error"] == "" and run["status"] == "completed"
    assert "status 200" in case.logs(run["workflow_run_id"])
    assert case.posts == [] == case.mails


def test_a_dead_worker_is_told_once(product: Product, world: dict[str, Case]) -> None:
    case = world["health"]
    doomed = product.worker("doomed").start()
    host_and_pid = f":{doomed.pid}:"
    case.until(lambda: any(host_and_pid in it["worker_id"] for it in workers(case)), "the worker to be known")
    doomed.kill()
    case.until(lambda: any(host_and_pid in it["worker_id"] for it in workers(case, "offline")), "it to be missed")
    (dead,) = [it["worker_id"] for it in workers(case, "offline") if host_and_pid in it["worker_id"]]
    assert case.fire("worker_health")["status"] == "completed"
    case.alerted(f"{dead} is silent")


def workers(case: Case, status: str = "online") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = case.api.get("workers", params={"status": status}).json()["workers"]
    return found


def test_a_site_that_is_down_is_alerted_once_and_then_left_alone(
    product: Product, site: Site, world: dict[str, Case]
) -> None:
    case = world["uptime"]
    case.set(UPTIME_URL=site.answer("/shop", "open"))
    run = case.fire("website_uptime")
    assert (run["status"], "status 200" in case.logs(run["workflow_run_id"])) == ("completed", True)
    assert case.mails == []
    url = site.answer("/shop", "closed", status=503)
    schedule = case.schedule("website_uptime")["schedule_id"]
    started = case.api.post(f"schedules/{schedule}/run").json()["workflow_run_id"]
    case.alerted(f"{url} is down")
    case.until(lambda: case.api.get(f"workflows/{started}").json()["status"] == "sleeping", "the quiet time")
    case.api.post(f"schedules/{schedule}/resume")
    product.move_clock(60)
    ticks = f"schedules/{schedule}/history"
    case.until(lambda: "skipped_overlap" in str(case.api.get(ticks).json()), "the next minute to be skipped")
    case.api.post(f"schedules/{schedule}/pause")
    case.alerted(f"{url} is down")
    assert "503" in case.logs(started)


def test_a_failed_workflow_is_told_once_and_a_failing_alert_makes_no_storm(site: Site, world: dict[str, Case]) -> None:
    case = world["failures"]
    run = case.ended(case.run(create(case, BROKEN)))
    assert run["status"] == "failed"
    case.alerted("Workflow broken failed")
    assert run["workflow_run_id"] in case.posts[0] and "no" in case.posts[0]
    site.answer("/slack/failures", "gone", status=404)
    case.ended(case.run("broken"))
    failed = {"workflow_name": "alert", "status": "failed"}
    case.until(lambda: case.api.get("workflows", params=failed).json()["total"] == 1, "the alert to fail")
    case.until(lambda: case.mails.count("Workflow broken failed") == 2, "the mail all the same")
    events = case.api.get("events", params={"type": "workflow_failed"}).json()
    case.until(lambda: all(it["dispatched_at"] for it in case.api.get("events").json()["events"]), "all events")
    assert events["total"] == 3
    assert case.mails == ["Workflow broken failed"] * 2


def test_orders_are_extracted_transformed_and_loaded(site: Site, world: dict[str, Case]) -> None:
    case = world["etl"]
    assert case.schedule("etl_pipeline")["enabled"] is False
    assert "ETL_SOURCE_URL" in case.schedule("etl_pipeline")["pause_note"]
    orders = [
        {"customer": "Ada", "amount": 3},
        {"customer": 'O\'Bo "x" ${y}', "amount": 4.5},
        {"customer": "Ada", "amount": 2},
    ]
    case.set(ETL_SOURCE_URL=site.answer("/orders", json.dumps(orders), Content_Type="application/json"))
    case.set(ETL_TARGET_URL=site.answer("/warehouse", "{}"))
    run = case.fire("etl_pipeline")
    assert run["error"] == "" and run["status"] == "completed"
    (loaded,) = [json.loads(it.body) for it in site.received if it.path == "/warehouse"]
    assert loaded["totals"] == [{"customer": "Ada", "total": 5}, {"customer": 'O\'Bo "x" ${y}', "total": 4.5}]
    site.answer("/orders", "not there", status=404)
    assert case.fire("etl_pipeline")["status"] == "failed"
    case.alerted("Workflow etl_pipeline failed")


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="needs pg_dump")
def test_a_database_is_dumped_into_a_bucket(product: Product, world: dict[str, Case], tmp_path: Path) -> None:
    case = world["backup"]
    assert case.schedule("database_backup")["enabled"] is False
    assert "S3_BUCKET" in case.schedule("database_backup")["pause_note"]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        endpoint = f"http://127.0.0.1:{port}"
        allow(case, f"127.0.0.1:{port}")
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIDBACKUPS",
            aws_secret_access_key="s3cr3t-of-the-store",
        )
        stack.callback(s3.close)
        s3.create_bucket(Bucket="backups")
        case.set(
            S3_ENDPOINT=endpoint, S3_BUCKET="backups", S3_ACCESS_KEY="AKIDBACKUPS", S3_SECRET_KEY="s3cr3t-of-the-store"
        )
        case.set(BACKUP_DATABASE_URL=product.database_url, BACKUP_DATABASE_PASSWORD="hush hush")
        run = case.fire("database_backup")
        assert run["error"] == "" and run["status"] == "completed"
        (stored,) = s3.list_objects_v2(Bucket="backups")["Contents"]
        s3.download_file("backups", stored["Key"], str(tmp_path / "dump"))
        listed = subprocess.run(
            ["pg_restore", "--list", str(tmp_path / "dump")], capture_output=True, text=True, check=True
        )
        assert "TABLE DATA public workflow_runs" in listed.stdout
        case.set(BACKUP_DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
        run = case.fire("database_backup")
        assert run["status"] == "failed" and "hush" not in json.dumps(run)
        case.alerted("Workflow database_backup failed")
        assert all("hush" not in post for post in case.posts)


def allow(case: Case, address: str) -> None:
    case.product.manage("shell", "-v", "0", "-c", (
        "from tenants_app.models import Tenant\n"
        f"tenant = Tenant.objects.get(pk={case.name!r})\n"
        f"tenant.http_allow.append({address!r})\n"
        "tenant.save()"
    ))  # fmt: skip


def test_old_rows_are_cleaned_up_and_young_ones_stay(product: Product, world: dict[str, Case]) -> None:
    case = world["cleanup"]
    old = case.ended(case.run("alert", title="old"))["workflow_run_id"]
    product.move_clock(31 * DAY)
    young = case.ended(case.run("alert", title="young"))["workflow_run_id"]
    run = case.fire("weekly_cleanup")
    assert run["error"] == "" and run["status"] == "completed"
    assert "Cleaned up" in case.logs(run["workflow_run_id"])
    assert (case.api.get(f"workflows/{old}").status_code, case.api.get(f"workflows/{young}").status_code) == (404, 200)


def test_an_approval_that_waits_for_a_day_is_reminded_of(product: Product, world: dict[str, Case]) -> None:
    case = world["approvals"]
    create(case, ASKING)
    for key in ("slow", "quick"):
        case.run("asking", key=key)
    case.until(lambda: case.api.get("approvals", params={"status": "pending"}).json()["total"] == 2, "both questions")
    reminders = {"workflow_name": "approval_reminder", "status": "sleeping"}
    case.until(lambda: case.api.get("workflows", params=reminders).json()["total"] == 2, "both reminders to sleep")
    assert case.api.post("approvals/quick/approve", json={"comment": "fine"}).status_code == 200
    assert case.fire("overdue_approvals")["status"] == "completed"
    assert case.mails == []
    product.move_clock(DAY + 60)
    case.alerted("Still waiting for a decision: Deploy slow?")
    case.fire("overdue_approvals")
    case.until(lambda: "1 approvals have waited for more than a day" in case.mails, "the morning's reminder")
    assert not any("quick" in mail for mail in case.mails)
