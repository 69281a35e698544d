"""`deploy/environment` on machines that lack what it needs: it names the line that installs it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.layout import ROOT

OLD_PYTHON = "#!/bin/sh\nexit 1\n"
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$*" in
    *sys.version_info*3,\\ 11*) exit 0 ;;
    *print*) echo python3.11-venv ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout and a `bin` with little more than a shell in it."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "environment", tmp_path / "deploy")
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "bin").mkdir()
    for name in ("dirname", "cat", "cksum", "sh"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    install(tmp_path, "apt-get", "#!/bin/sh\n")
    return tmp_path


def install(machine: Path, name: str, script: str) -> None:
    program = machine / "bin" / name
    program.write_text(script)
    program.chmod(0o755)


def prepare(machine: Path) -> subprocess.CompletedProcess[str]:
    command = [str(machine / "deploy" / "environment"), "requirements.txt"]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(machine / "bin")}, timeout=60)


@pytest.mark.parametrize("installed", [{}, {"python3": OLD_PYTHON}])
def test_without_a_new_enough_python_it_says_what_to_install(machine: Path, installed: dict[str, str]) -> None:
    for name, script in installed.items():
        install(machine, name, script)
    done = prepare(machine)

    assert done.returncode == 1
    assert done.stderr == (
        "Highway Automation needs Python 3.11 or newer. Install it with: apt-get install -y python3 python3-venv\n"
    )


def test_without_the_venv_module_it_says_what_to_install(machine: Path) -> None:
    install(machine, "python3", PYTHON_WITHOUT_VENV)
    done = prepare(machine)

    assert done.returncode == 1
    assert done.stderr == ("python3 has no venv module. Install it with: apt-get install -y python3.11-venv\n")
