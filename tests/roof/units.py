"""The systemd units, read as systemd would read what we use of them."""

from __future__ import annotations

import shlex
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from tests.layout import ROOT

FOLDER = ROOT / "deploy" / "systemd"
INSTALLED = "/opt/highway"


@dataclass(frozen=True)
class Unit:
    """One service: its command line and its own environment, for a checkout at `root`."""

    name: str
    settings: dict[str, str]

    def command(self, root: Path, python_bin: Path) -> list[str]:
        """`python_bin` stands for the installed environment's bin folder."""
        line = self.settings["ExecStart"].replace(f"{INSTALLED}/.venv/bin", str(python_bin))
        return shlex.split(line.replace(INSTALLED, str(root)).replace("%H", "localhost"))

    @property
    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for word in shlex.split(self.settings.get("Environment", "")))


def units() -> dict[str, Unit]:
    """By name, without `.service`."""
    return {path.stem: Unit(path.stem, read(path)) for path in sorted(FOLDER.glob("*.service"))}


def read(path: Path) -> dict[str, str]:
    parser = RawConfigParser(strict=True, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return dict(parser["Service"])
