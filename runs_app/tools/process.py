"""Running one subprocess for a step: started through the launcher, watched, and ended with all that it started."""

from __future__ import annotations

import codecs
import contextlib
import errno
import functools
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.conf import settings

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import fitting
from runs_app.tools.base import ToolContext, ToolError

LAUNCHER = Path(__file__).with_name("launcher.py")
CHUNK = 65_536
GLANCE = 0.5
"""Seconds between looks at the clock while the process prints nothing."""
STRAGGLERS = 3.0
"""Seconds between asking the launcher to end everything and killing the launcher itself."""
LIMITS = {"RLIMIT_CORE": 0, "RLIMIT_DATA": 8 * 1024**3, "RLIMIT_NPROC": 4096}


@dataclass(frozen=True)
class Job:
    """What to run. `seconds` bounds the whole run (infinity: no bound); `limits` maps rlimit names to values.

    `namespace`: in a PID namespace of its own where that works; off for what makes its own. With `answer`, the
    number of a pipe is appended to `argv`, and the first so many bytes written there are kept apart from the output.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    seconds: float
    stdin: bytes = b""
    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    namespace: bool = True
    answer: int = 0


@dataclass(frozen=True)
class Ended:
    """How it went: the exit code as a shell reports it (128 + signal), what it printed, whether time ran out."""

    returncode: int
    stdout: fitting.Capture
    stderr: fitting.Capture
    timed_out: bool
    answer: bytes = b""


def run(job: Job, context: ToolContext) -> Ended:
    """Run to the end, to the time limit or to cancellation; stdout and stderr stream into the step's log.

    Raises:
        ToolError: the process could not be started.
    """
    watch = Watch(job, context.log)
    forget = context.on_cancel(watch.stop)
    try:
        return watch.until_end()
    finally:
        forget()
        watch.close()


def printed(ended: Ended, room: int = 0) -> dict[str, JSON]:
    """stdout and stderr within `room` (by default what a step may store), marked `truncated` where that is not all.

    stderr may take a quarter of it, and whatever stdout leaves free.
    """
    room = room or fitting.budget()
    taken = safe_json.size(ended.stdout.text(room)[0])
    stderr, cut_errors = ended.stderr.text(max(room // 4, room - taken))
    stdout, cut = ended.stdout.text(room - safe_json.size(stderr))
    output: dict[str, JSON] = {"stdout": stdout, "stderr": stderr}
    return {**output, "truncated": True} if cut or cut_errors else output


class Output:
    """One pipe of the process: captured, and streamed into the log."""

    def __init__(self, pipe: IO[bytes], log: Callable[[str], None], room: int = 0) -> None:
        self.pipe, self.log = pipe, log
        self.capture = fitting.Capture(room or fitting.budget())
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> bool:
        """Take what is there; False at the end."""
        data = os.read(self.pipe.fileno(), CHUNK)
        self.capture.add(data)
        if text := self.decoder.decode(data, final=not data):
            self.log(safe_json.clean(text))
        return bool(data)


class Watch:
    """The pipes and the deadline of one running process. Everything but `stop` happens in the tool's own thread.

    The thread that starts a process must outlive it: the launcher is set to die with that thread.
    """

    def __init__(self, job: Job, log: Callable[[str], None]) -> None:
        process, self.answer = _started(job)
        self.process = process
        assert process.stdout and process.stderr  # noqa: S101 - both were asked for
        self.deadline = time.monotonic() + job.seconds
        self.stopped_at: float | None = None
        self.timed_out = False
        self.pending = memoryview(job.stdin)
        self.selector = selectors.DefaultSelector()
        self.stdout, self.stderr = Output(process.stdout, log), Output(process.stderr, log)
        for output in (self.stdout, self.stderr):
            self.selector.register(output.pipe, selectors.EVENT_READ, output.read)
        if self.answer:
            self.selector.register(self.answer.pipe, selectors.EVENT_READ, self.answer.read)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            self.selector.register(process.stdin, selectors.EVENT_WRITE, self._write)

    def until_end(self) -> Ended:
        while self.process.poll() is None or self.selector.get_map():
            quiet = not self._turn()
            self._enforce()
            if quiet and self.process.poll() is not None:
                break  # something that escaped still holds a pipe
        answer = bytes(self.answer.capture.head + self.answer.capture.tail) if self.answer else b""
        return Ended(self.process.returncode, self.stdout.capture, self.stderr.capture, self.timed_out, answer)

    def stop(self) -> None:
        """End the process and everything it started. From any thread."""
        self.stopped_at = self.stopped_at or time.monotonic()
        self.process.terminate()

    def close(self) -> None:
        """Whatever happened, leave no process and no pipe behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.selector.close()
        answer = self.answer.pipe if self.answer else None
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr, answer):
            if pipe:
                pipe.close()

    def _turn(self) -> bool:
        """Move what can be moved through the pipes; False when nothing came within a glance."""
        patience = max(min(self.deadline - time.monotonic(), GLANCE), 0)
        if not self.selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
            return False
        events = self.selector.select(patience)
        for key, _ in events:
            if not key.data():
                self.selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
        return bool(events)

    def _write(self) -> bool:
        """Feed stdin; False when all is written or nobody reads."""
        assert self.process.stdin  # noqa: S101 - registered only where there is one
        try:
            written = os.write(self.process.stdin.fileno(), self.pending[:CHUNK])
        except BrokenPipeError:
            return False
        self.pending = self.pending[written:]
        return bool(self.pending)

    def _enforce(self) -> None:
        now = time.monotonic()
        if now >= self.deadline and self.stopped_at is None:
            self.timed_out = True
            self.stop()
        elif self.stopped_at is not None and now - self.stopped_at > STRAGGLERS:
            self.process.kill()


def _started(job: Job) -> tuple[subprocess.Popen[bytes], Output | None]:
    """The process, and its answer where it is to give one."""
    if not job.answer:
        return _start(job, job.argv, ()), None
    reading, writing = os.pipe()
    answer = Output(os.fdopen(reading, "rb", 0), lambda text: None, job.answer)
    try:
        return _start(job, [*job.argv, str(writing)], (writing,)), answer
    except ToolError:
        answer.pipe.close()
        raise
    finally:
        os.close(writing)


def _start(job: Job, argv: Sequence[str], kept_open: Sequence[int]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the command is the tenant's; the grant decides who may
            [*_launch(job.namespace and namespaces(), job.limits), *(part.encode() for part in argv)],
            pass_fds=kept_open,
            env={name.encode(): value.encode() for name, value in job.env.items()},
            cwd=job.cwd,
            stdin=subprocess.PIPE if job.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(error, job) from None


def _not_started(error: OSError, job: Job) -> ToolError:
    if error.errno == errno.E2BIG:
        return ToolError(
            "The command and its env are too long for the system; pass long texts by stdin.", permanent=True
        )
    if error.filename and os.fsdecode(error.filename) == job.cwd:
        return ToolError(
            f"cwd: {job.cwd} cannot be entered on this worker ({error.strerror}); name an existing folder.",
            permanent=True,
        )
    return ToolError(f"The command could not be started: {error.strerror}.")


def _launch(namespace: bool, limits: Mapping[str, int]) -> list[bytes]:
    options = json.dumps({"parent": os.getpid(), "namespace": namespace, "limits": dict(limits)})
    return [os.fsencode(sys.executable), b"-I", b"-S", os.fsencode(LAUNCHER), options.encode()]


@functools.cache
def namespaces() -> bool:
    """Whether PID namespaces work here: tried once per process. `HIGHWAY_PID_NAMESPACE = False` turns them off."""
    if not settings.HIGHWAY_PID_NAMESPACE or sys.platform != "linux":
        return False
    probe = [*_launch(True, {}), b"true"]
    try:
        return subprocess.run(probe, capture_output=True, check=False, timeout=30).returncode == 0  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
