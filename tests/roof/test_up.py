"""`up` as its users meet it: one process in a new folder, with an environment that knows nothing else."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.roof.conftest import Installation, Up

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("up")]
END_SECONDS = 15


@pytest.fixture(scope="module")
def up(installation: Installation) -> Iterator[Up]:
    with installation.up() as running:
        yield running


def eventually(happened: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def password_of(up: Up) -> str:
    return next(line for line in up.lines if line.startswith("First admin")).rpartition(" ")[2]


def front_page(installation: Installation, password: str) -> str:
    """What the admin sees after signing in."""
    with httpx.Client(base_url=installation.url, follow_redirects=True) as client:
        client.get("/admin/login/")
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        answer = client.post("/admin/login/?next=/admin/", data=form | {"next": "/admin/"})
    assert answer.status_code == 200
    return answer.text


def test_it_says_once_where_it_is_and_who_may_enter(installation: Installation, up: Up) -> None:
    assert up.lines[-1] == f"ready: {installation.url}/"
    assert len([line for line in up.lines if line.startswith("ready: ")]) == 1
    assert re.fullmatch(r"[\w-]{16}", password_of(up))
    assert any("tenant default" in line and "shell commands included" in line for line in up.lines)


def test_the_admin_signs_in_and_sees_the_front_page(installation: Installation, up: Up) -> None:
    page = front_page(installation, password_of(up))

    assert "Runs by hour" in page
    assert "Workers and schedulers</h2>" in page
    assert re.findall(r"""(?:src|href)=["'](https?:)?//""", page) == []


def test_every_part_is_well(installation: Installation, up: Up) -> None:
    eventually(lambda: httpx.get(f"{installation.url}/api/v1/health").json()["data"]["status"] == "healthy")
    answer = httpx.get(f"{installation.url}/health").json()

    assert answer["status"] == "success"
    assert {name: check["status"] for name, check in answer["data"]["checks"].items()} == {
        "database": "healthy", "broker": "healthy", "scheduler": "healthy", "workers": "healthy",
    }  # fmt: skip


def test_its_secrets_and_database_are_private(installation: Installation, up: Up) -> None:
    assert (
        installation.folder.stat().st_mode & 0o077,
        (installation.folder / "highway.env").stat().st_mode & 0o077,
    ) == (0, 0)


def template(folder: Path, name: str, command: str) -> str:
    task = {"task_id": "do", "operator_type": "task", "function": "tools.shell.run", "args": [command]}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, "version": "1", "tasks": {"do": task}}))
    return str(path)


def test_a_second_shell_imports_and_runs_a_template(installation: Installation, up: Up, tmp_path: Path) -> None:
    imported = installation.manage("import_templates", template(tmp_path, "hello", "echo hello"), "--tenant", "default")
    assert imported.returncode == 0, imported.stderr
    done = installation.manage("run_template", "hello", "--tenant", "default", "--input", "{}", "--wait", "20")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "completed"


def test_a_second_shell_that_knows_no_port_names_the_address_that_is_served(installation: Installation, up: Up) -> None:
    elsewhere = Installation(installation.folder, more={"PORT": ""})
    assert elsewhere.manage("reset_password", "admin").stdout.startswith(f"{installation.url}/admin/password/")


def test_a_second_one_on_the_same_folder_is_refused(installation: Installation, up: Up) -> None:
    refused = installation.manage("up")

    assert refused.returncode == 1
    assert f"Another `up` (process {up.process.pid}) already runs on {installation.folder}." in refused.stderr


def test_a_port_in_use_is_refused(installation: Installation, up: Up, tmp_path: Path) -> None:
    refused = Installation(tmp_path / "var", installation.port).manage("up")

    assert refused.returncode == 1
    assert f"Port {installation.port} can't be used: Address already in use." in refused.stderr


def test_it_ends_during_a_long_step_and_goes_on_after_the_restart(tmp_path: Path) -> None:
    installation, flag, started = Installation(tmp_path / "var"), tmp_path / "flag", tmp_path / "started"
    command = f"touch {started}; test -e {flag} || exec sleep 600; echo went on"
    with installation.up() as first:
        installation.manage("import_templates", template(tmp_path, "long", command), "--tenant", "default")
        submitted = installation.manage("run_template", "long", "--tenant", "default", "--input", "{}")
        run_id = json.loads(submitted.stdout)["workflow_run_id"]
        eventually(started.exists)
        first.process.send_signal(signal.SIGINT)

        assert first.process.wait(END_SECONDS) == 0
    assert sleeping(600) == []
    flag.touch()
    assert installation.manage("migrate", "sessions", "zero").returncode == 0
    with installation.up() as second:
        assert not any(line.startswith("First admin") for line in second.lines)
        key = installation.manage("create_api_key", "--tenant", "default", "--name", "test", "--role", "viewer").stdout
        eventually(lambda: status_of(installation, key.strip(), run_id) == "completed")
        second.process.send_signal(signal.SIGTERM)

        assert second.process.wait(END_SECONDS) == 0
    assert len(list((installation.folder / "backups").iterdir())) == 1


def sleeping(seconds: int) -> list[str]:
    """The processes of this test's step that are still there."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.strip() == f"sleep {seconds}"]


def status_of(installation: Installation, key: str, run_id: str) -> str:
    url = f"{installation.url}/api/v1/workflows/{run_id}"
    return str(httpx.get(url, headers={"Authorization": f"Bearer {key}"}).json()["status"])


def test_a_chosen_password_is_not_printed(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "var", more={"HIGHWAY_ADMIN_PASSWORD": "chosen by me"})
    with installation.up() as running:
        assert not any("chosen by me" in line for line in running.lines)
        assert "Runs by hour" in front_page(installation, "chosen by me")


def test_a_port_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = Installation(tmp_path / "var", more={"PORT": "http"}).manage("up")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "PORT='http' is not a TCP port (1-65535).\n"
