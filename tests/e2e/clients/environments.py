"""Highway's published clients, each in an environment of its own: what they pin would not fit among the product's."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.layout import ROOT

PINS: Mapping[str, tuple[str, ...]] = {
    "driver": (
        *("highway==0.9.1", "stabilize==0.12.2", "annotated-types==0.8.0", "anyio==4.16.0", "bulkman==2.0.4"),
        *("idna==3.20", "psycopg==3.3.9", "pydantic==2.14.3", "pydantic_core==2.50.4", "python-dotenv==1.2.4"),
        *("python-ulid==4.1.0", "resilient-circuit==0.8.6", "sniffio==1.3.1", "typing-inspection==0.4.5"),
        "typing_extensions==4.16.0",
    ),
    "sdk": (
        *("highway-sdk==1.0.1", "annotated-types==0.8.0", "pydantic==2.14.3", "pydantic_core==2.50.4"),
        *("python-dateutil==4.0.0", "typing-inspection==0.4.5", "typing_extensions==4.16.0", "tzdata==2026.6"),
        "urllib3==2.8.0",
    ),
}
FOLDER = ROOT / ".venv" / "clients"


def python(name: str) -> Path:
    """The interpreter of this client's environment, which is made when first asked for and kept under its pins."""
    pins = PINS[name]
    home = FOLDER / f"{name}-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:12]}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            run(sys.executable, "-m", "venv", "--clear", str(home))
            quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
            run(str(home / "bin" / "python"), "-m", "pip", "install", *quiet, *pins)
            (home / "complete").touch()
    return home / "bin" / "python"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
