"""The supervisor with parts of its own, in a process of its own: it handles signals and ends its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.layout import ROOT

PROGRAM = """
import sys
from highway_automation.up import supervisor
from highway_automation.up.parts import Part

supervisor.LOOK_SECONDS = 0.01
supervisor.STOP_SECONDS = 0.5


class Lasting(Part):
    name = "lasting"

    def work(self):
        self.ready.set()
        self.stopping.wait()


class Dying(Part):
    name = "dying"
    lives = 0

    def work(self):
        Dying.lives += 1
        if Dying.lives <= {deaths}:
            self.ready.set()
            raise RuntimeError("dead")
        self.ready.set()
        print("alive again", flush=True)
        self.stopping.wait()


class Stuck(Part):
    name = "stuck"

    def work(self):
        self.ready.set()
        import time
        time.sleep(60)


class Unready(Part):
    name = "unready"

    def work(self):
        raise RuntimeError("no start")


parts = [{parts}]
code = supervisor.Supervisor(parts).run(lambda: print("ready", flush=True))
sys.stdout.flush()
import os
os._exit(code)
"""


@contextmanager
def supervised(parts: str, deaths: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM.format(parts=parts, deaths=deaths)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for read in process.stdout:
        if read.strip() == line:
            return
    raise AssertionError(f"{line!r} never came")


def test_it_ends_with_zero_when_told_to() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with supervised("Lasting, Lasting") as process:
            read_until(process, "ready")
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)

            assert (process.returncode, out) == (0, "")


def test_a_part_that_dies_is_started_again() -> None:
    with supervised("Lasting, Dying", deaths=2) as process:
        read_until(process, "alive again")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

        assert process.returncode == 0
        assert err.count("The dying ended unexpectedly; starting it again.") == 2


def test_a_part_that_keeps_dying_ends_all_with_one() -> None:
    with supervised("Lasting, Dying", deaths=100) as process:
        _, err = process.communicate(timeout=20)

        assert process.returncode == 1
        assert "The dying died again; giving up." in err


def test_a_part_that_never_starts_ends_all_with_one() -> None:
    with supervised("Lasting, Unready") as process:
        out, err = process.communicate(timeout=20)

        assert (process.returncode, out) == (1, "")
        assert "Not ready: unready." in err


def test_a_part_that_will_not_end_is_left_and_told() -> None:
    with supervised("Lasting, Stuck") as process:
        read_until(process, "ready")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

        assert process.returncode == 1
        assert "stuck" in err


def test_it_ends_when_only_its_make_is_interrupted(tmp_path: Path) -> None:
    """make waits for its command without passing the signal on."""
    (tmp_path / "program.py").write_text(PROGRAM.format(parts="Lasting", deaths=0))
    (tmp_path / "Makefile").write_text(f"up:\n\t@exec {sys.executable} {tmp_path / 'program.py'}\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        ["make", "-f", str(tmp_path / "Makefile")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    ) as process:
        read_until(process, "ready")
        process.send_signal(signal.SIGINT)

        assert process.wait(20) == -signal.SIGINT
