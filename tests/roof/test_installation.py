from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from highway_automation import installation


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A VAR_DIR that does not exist yet; the environment is put back afterwards."""
    for name in ("PORT", "HIGHWAY_BASE_URL", "HIGHWAY_DEFAULT_TENANT", "HIGHWAY_GRACE_SECONDS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "new" / "var"))
    return tmp_path / "new" / "var"


def secrets_of(folder: Path) -> dict[str, str]:
    lines = (folder / "highway.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_a_new_folder_gets_secrets_only_its_owner_reads(folder: Path) -> None:
    installation.prepare()

    assert stat.S_IMODE((folder / "highway.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(secrets_of(folder)["HIGHWAY_SECRET_KEY"]) >= 50
    assert Fernet(secrets_of(folder)["HIGHWAY_ENCRYPTION_KEYS"])
    assert [path.name for path in folder.iterdir()] == ["highway.env"]


def test_secrets_are_made_once(folder: Path) -> None:
    installation.prepare()
    first = secrets_of(folder)
    installation.prepare()

    assert secrets_of(folder) == first


def test_the_settings_learn_the_address_and_the_tenant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9123")
    installation.prepare()

    assert os.environ["HIGHWAY_BASE_URL"] == "http://127.0.0.1:9123"
    assert os.environ["HIGHWAY_DEFAULT_TENANT"] == "default"


def test_a_chosen_address_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHWAY_BASE_URL", "https://highway.example")
    installation.prepare()

    assert os.environ["HIGHWAY_BASE_URL"] == "https://highway.example"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８０"])
def test_a_port_that_is_none_is_wrong_usage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit) as stopped:
        installation.prepare()

    assert stopped.value.code == 2
    assert "is not a TCP port" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.write_text("a file is in the way")
    with pytest.raises(SystemExit) as stopped:
        installation.prepare()

    assert stopped.value.code == 1
    assert f"VAR_DIR {folder} can't be used" in capsys.readouterr().err


def test_one_process_holds_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installation.prepare()
    held = installation.lock()
    with pytest.raises(SystemExit) as stopped:
        installation.lock()

    assert stopped.value.code == 1
    assert capsys.readouterr().err == f"Another `up` (process {os.getpid()}) already runs on {folder}.\n"
    held.close()
    installation.lock().close()
