"""The files a deployment starts from: units, compose file, example settings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.layout import ROOT
from tests.roof.test_docs import table
from tests.roof.units import FOLDER, units

PROGRAMS = {"highway-internal-worker": "worker", "highway-scheduler": "beat", "highway-web": "granian"}
COMPOSED = {"highway-internal-worker": "worker", "highway-scheduler": "scheduler", "highway-web": "web"}


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    return loaded


def test_there_is_a_unit_for_each_process() -> None:
    assert set(units()) == set(PROGRAMS)
    for name, program in PROGRAMS.items():
        assert program in units()[name].settings["ExecStart"]
    wanted = re.search(r"^Wants=(.*)$", (FOLDER / "highway.target").read_text(), flags=re.M)
    assert wanted and {unit.removesuffix(".service") for unit in wanted[1].split()} == set(PROGRAMS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """Systemd looks whether the programs are there, so they are named as they are here."""
    bin_folder = tmp_path / "opt" / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    for program in ("celery", "granian"):
        (bin_folder / program).symlink_to("/bin/true")
    files = []
    for path in sorted(FOLDER.iterdir()):
        copied = tmp_path / path.name
        copied.write_text(path.read_text().replace("/opt/highway/.venv/bin", str(bin_folder)))
        files.append(str(copied))
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "highway" in line and str(tmp_path) in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_containers_and_units_run_the_same_commands() -> None:
    services = compose()["services"]
    for unit, service in COMPOSED.items():
        words = units()[unit].command(ROOT, Path("/opt/highway/.venv/bin"))
        node = words.index("-n") if "-n" in words else len(words)
        assert services[service]["command"] == [Path(words[0]).name, *words[1:node]]


def test_every_setting_in_the_examples_is_documented() -> None:
    documented = {row[0].strip("`") for row in table("docs/operations.md", "variable")}
    example = (ROOT / "deploy" / "highway.env.example").read_text()
    used = set(re.findall(r"^([A-Z_]+)=", example, flags=re.M))
    for service in compose()["services"].values():
        used |= {name for name in service.get("environment", {}) if name.startswith("HIGHWAY_")}
    for unit in units().values():
        used |= {name for name in unit.environment if not name.startswith("GRANIAN_")}
    assert used <= documented
