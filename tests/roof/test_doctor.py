"""`doctor` says what is wrong, and the cure; on a healthy product it finds nothing that failed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from highway_automation.base import clock
from highway_automation.doctor import Finding, State, examine
from schedules_app.models import ScheduledWorkflow
from tenants_app.actions import set_variable
from tenants_app.models import Tenant
from tests.layout import ROOT
from tests.roof.conftest import Installation

pytestmark = pytest.mark.django_db


def findings() -> dict[str, Finding]:
    return {finding.check: finding for finding in examine()}


def test_whatever_is_not_well_comes_with_its_cure() -> None:
    seen = findings()
    assert {"packages", "sandbox", "database", "migrations", "workers", "secrets"} <= set(seen)
    assert [it for it in seen.values() if it.state is not State.OK and not it.cure] == []
    assert seen["database"].state is seen["migrations"].state is State.OK


def test_nobody_who_works_is_a_failure() -> None:
    found = findings()["workers"]
    assert (found.state, found.message) == (State.FAILED, "No worker is alive")
    assert "make up" in found.cure and "celery -A highway_automation worker" in found.cure


def test_an_address_the_web_process_does_not_answer_to(settings: Any) -> None:
    settings.HIGHWAY_BASE_URL, settings.ALLOWED_HOSTS = "https://highway.example", ["127.0.0.1"]
    found = findings()["address"]
    assert (found.state, found.cure) == (State.FAILED, "HIGHWAY_ALLOWED_HOSTS=127.0.0.1,highway.example")


def test_plain_http_beyond_this_machine(settings: Any) -> None:
    settings.HIGHWAY_BASE_URL, settings.HTTPS = "http://highway.example", False
    assert findings()["encryption"].state is State.FAILED


def test_a_short_secret_key(settings: Any) -> None:
    settings.SECRET_KEY = "secret" * 20
    assert findings()["secret key"].state is State.FAILED


def test_a_cache_per_process_beside_a_real_broker(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    seen = findings()
    assert seen["cache"].state is State.WARNING


def test_secrets_made_with_a_lost_key(tenant: Tenant, settings: Any) -> None:
    set_variable(tenant, "TOKEN", "hush", secret=True)
    settings.HIGHWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    found = findings()["secrets"]
    assert (found.state, found.message) == (State.FAILED, "1 secrets cannot be decrypted: acme/TOKEN")


def test_schedules_that_nobody_fires(tenant: Tenant) -> None:
    ScheduledWorkflow.objects.for_tenant(tenant).create(
        tenant=tenant,
        name="late",
        cron_expression="* * * * *",
        workflow_definition={"name": "x"},
        next_run_at=clock.now() - timedelta(minutes=5),
    )
    assert findings()["late schedules"].state is State.FAILED


def test_json_is_one_object_and_failures_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert {"check": "workers", "state": "failed"}.items() <= next(
        it for it in printed["findings"] if it["check"] == "workers"
    ).items()


def test_without_a_database_the_rest_is_still_told(tmp_path: Path) -> None:
    done = Installation(tmp_path, more={"HIGHWAY_DEBUG": "1", "DATABASE_URL": "postgres://x@127.0.0.1:1/x"}).manage(
        "doctor", "--json"
    )
    seen = {it["check"]: it for it in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert (seen["database"]["state"], "DATABASE_URL" in seen["database"]["cure"]) == ("failed", True)
    assert "packages" in seen and "migrations" not in seen


def test_a_setting_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    installation = Installation(tmp_path, more={"HIGHWAY_LEASE_SECONDS": "soon", "HIGHWAY_DEBUG": "1"})
    command = [sys.executable, "manage.py", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=installation.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "HIGHWAY_LEASE_SECONDS='soon'" in line
