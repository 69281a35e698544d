"""A bad value stops the start and names its variable; an insecure default is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.layout import ROOT

GOOD = {
    "HIGHWAY_SECRET_KEY": "a-long-and-random-text",
    "HIGHWAY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in an installation of its own."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "VAR_DIR": str(folder)}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, timeout=60)


def test_good_values_start(tmp_path: Path) -> None:
    done = start(tmp_path, **GOOD, DATABASE_URL="", BROKER_URL="", PORT="")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("HIGHWAY_BEHIND_PROXY", "maybe"),
        ("HIGHWAY_BASE_URL", "highway.example"),
        ("HIGHWAY_LOGIN_THROTTLE", "often"),
        ("HIGHWAY_WORKER_THREADS", "many"),
        ("HIGHWAY_LEASE_SECONDS", "soon"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://root@127.0.0.1/x"),
        ("HIGHWAY_CLOCK_OFFSET_FILE", "/tmp/clock"),
        ("HIGHWAY_SECRET_KEY", ""),
        ("HIGHWAY_SECRET_KEY", "insecure-key-for-tests-and-debugging-only"),
        ("HIGHWAY_ENCRYPTION_KEYS", ""),
    ],
)
def test_a_bad_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, **{**GOOD, name: value})
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


ASKED = ("CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS", "HIGHWAY_PROXIES", "CACHE", "HIGHWAY_COUNT_IN_DATABASE")
TELL = """
import json
from django.conf import settings as s
s.CACHE = s.CACHES["default"].get("LOCATION", "")
print(json.dumps({name: getattr(s, name) for name in %r}))
"""


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"HIGHWAY_PROXIES": "3"}, {"CSRF_TRUSTED_ORIGINS": [], "HIGHWAY_PROXIES": 0, "CACHE": ""}),
        (
            {"HIGHWAY_BASE_URL": "https://highway.example:8443", "HIGHWAY_BEHIND_PROXY": "1"},
            {
                "CSRF_TRUSTED_ORIGINS": ["https://highway.example:8443"],
                "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]", "highway.example"],
                "HIGHWAY_PROXIES": 1,
            },
        ),
        (
            {"DATABASE_URL": "postgres://x@127.0.0.1:1/x", "HIGHWAY_ALLOWED_HOSTS": "a.example"},
            {"HIGHWAY_COUNT_IN_DATABASE": True, "ALLOWED_HOSTS": ["a.example", "127.0.0.1"]},
        ),
        (
            {"DATABASE_URL": "postgres://x@127.0.0.1:1/x", "BROKER_URL": "redis://127.0.0.1:6379/3"},
            {"HIGHWAY_COUNT_IN_DATABASE": False, "CACHE": "redis://127.0.0.1:6379/3"},
        ),
    ],
)
def test_one_setting_follows_another(tmp_path: Path, environment: dict[str, str], told: dict[str, object]) -> None:
    kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", TELL % (ASKED,)]
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, **GOOD, **environment}, capture_output=True, text=True, timeout=60, check=True
    )

    assert json.loads(done.stdout).items() >= told.items()


def test_what_the_address_of_postgresql_says_is_kept_and_no_lock_outlives_its_owner(tmp_path: Path) -> None:
    def options(query: str) -> dict[str, object]:
        command = (
            "import json; from highway_automation import settings; print(json.dumps(settings.DATABASE['OPTIONS']))"
        )
        url = f"postgres://h@127.0.0.1/h{query}"
        environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "DATABASE_URL": url, **GOOD}
        done = subprocess.run(
            [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        return dict(json.loads(done.stdout))

    assert options("?sslmode=require")["sslmode"] == "require"
    assert "idle_in_transaction_session_timeout=60000" in str(options("")["options"])
    assert options("?options=-c%20search_path=flows")["options"] == "-c search_path=flows"
