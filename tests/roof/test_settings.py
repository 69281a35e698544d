"""A bad value stops the start and names its variable; an insecure default is refused."""

from __future__ import annotations

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
