"""A backup is made while the product runs, and another installation goes on from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.product import new_database
from tests.roof.conftest import Installation

pytestmark = pytest.mark.once
SECRETS = {
    "HIGHWAY_SECRET_KEY": "a-long-and-random-text-for-these-tests",
    "HIGHWAY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


def installation(folder: Path, **more: str) -> Installation:
    folder.mkdir()
    return Installation(folder, more={**SECRETS, **more})


def tenants(of: Installation) -> list[str]:
    done = of.manage("shell", "-v", "0", "-c", "from tenants_app.models import Tenant\n"
                     "print(*Tenant.objects.order_by('pk').values_list('pk', flat=True))")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def work(of: Installation, *arguments: str) -> str:
    done = of.manage(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def back_up_and_restore(first: Installation, second: Installation, folder: Path) -> None:
    work(first, "migrate", "-v", "0")
    work(first, "create_tenant", "kept")
    assert "backup.json" in work(first, "backup", str(folder))
    work(first, "create_tenant", "later")
    work(second, "restore", str(folder))
    assert (tenants(first), tenants(second)) == (["kept", "later"], ["kept"])
    work(first, "restore", str(folder))
    assert tenants(first) == ["kept"]


def test_sqlite(tmp_path: Path) -> None:
    first, second = installation(tmp_path / "first"), installation(tmp_path / "second")
    shutil.rmtree(second.folder)
    second.folder.mkdir()
    back_up_and_restore(first, second, tmp_path / "backup")
    assert "version" in json.loads((tmp_path / "backup" / "backup.json").read_text())


@pytest.mark.services
@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="needs pg_dump")
def test_postgresql(tmp_path: Path) -> None:
    with new_database() as one, new_database() as two:
        first = installation(tmp_path / "first", DATABASE_URL=one)
        second = installation(tmp_path / "second", DATABASE_URL=two)
        back_up_and_restore(first, second, tmp_path / "backup")


def test_a_running_product_is_not_replaced(tmp_path: Path) -> None:
    running = installation(tmp_path / "running")
    work(running, "migrate", "-v", "0")
    work(running, "backup", str(tmp_path / "backup"))
    work(running, "shell", "-v", "0", "-c", "from runs_app.actions.workers import heartbeat\n"
         "heartbeat('here:1:x', kind='worker')")  # fmt: skip
    done = running.manage("restore", str(tmp_path / "backup"))
    assert (done.returncode, "Stop it first" in done.stderr) == (1, True)
    work(running, "restore", str(tmp_path / "backup"), "--force")


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    here = installation(tmp_path / "here")
    (tmp_path / "other").mkdir()
    done = here.manage("restore", str(tmp_path / "other"))
    assert (done.returncode, "is no backup" in done.stderr) == (1, True)
    (tmp_path / "other" / "file").touch()
    done = here.manage("backup", str(tmp_path / "other"))
    assert (done.returncode, "not empty" in done.stderr) == (1, True)
