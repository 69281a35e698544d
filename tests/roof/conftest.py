from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.layout import ROOT
from tests.services import free_port

START_SECONDS = 90


@dataclass
class Installation:
    """A VAR_DIR with its port, and the environment of a shell that knows nothing else."""

    folder: Path
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {"VAR_DIR": str(self.folder), "PORT": str(self.port)} | self.more

    def manage(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    @contextmanager
    def up(self) -> Iterator[Up]:
        """The product, ready; killed at the end of the block if it still runs."""
        command = [sys.executable, "manage.py", "up"]
        with (
            (self.folder.parent / f"{self.folder.name}.err").open("w+") as errors,
            subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            try:
                yield Up(process, read_until_ready(process, Path(errors.name)))
            finally:
                process.kill()


@dataclass
class Up:
    process: subprocess.Popen[str]
    lines: list[str]


def read_until_ready(process: subprocess.Popen[str], errors: Path) -> list[str]:
    assert process.stdout
    lines: list[str] = []
    deadline = time.monotonic() + START_SECONDS
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("ready: "):
            return lines
        assert time.monotonic() < deadline, lines
    raise AssertionError(f"up ended: {lines} {errors.read_text()}")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One installation for all tests of a module."""
    return Installation(tmp_path_factory.mktemp("installation") / "var")
