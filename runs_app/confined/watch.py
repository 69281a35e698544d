"""The first process of a sandbox: starts the program, counts what it uses, and ends everything with it.

The kernel's own limits count per process, and for the machine's root not at all. This counts over all processes; when
process 1 of a PID namespace ends, the kernel kills the rest of it.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
from collections.abc import Callable
from typing import NoReturn

GLANCE = 0.05
"""Seconds between two counts."""
PAGE = os.sysconf("SC_PAGE_SIZE")
TEMPORARY = ("/tmp", "/dev/shm")  # noqa: S108
MOST_FILES = 50_000
NICE = 5
PR_SET_DUMPABLE = 4


def watched(program: Callable[[], int], most_tasks: int, most_memory: int, tell: Callable[[str], None]) -> int:
    """Run `program` in a child until it ends; its exit code. `tell` is told which limit was passed."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    # The program may be our twin by name, but it can neither read nor trace us.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    child = os.fork()
    if child == 0:
        become(program)
    while True:
        signal.sigtimedwait([signal.SIGCHLD], GLANCE)
        status = reap(child)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if passed := limit_passed(most_tasks, most_memory):
            tell(passed)
            return 128 + signal.SIGKILL


def become(program: Callable[[], int]) -> NoReturn:
    """Be the child: an ordinary process again, and second to the one that watches it."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.nice(NICE)
    raise SystemExit(program())


def reap(child: int) -> int | None:
    """Collect what has ended; the child's status when it was among that."""
    found = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                found = ended[1]
    except ChildProcessError:
        pass
    return found


def limit_passed(most_tasks: int, most_memory: int) -> str:
    """What is used beyond its limit, as a sentence; empty when nothing is."""
    others = [name for name in os.listdir("/proc") if name.isdigit() and name != str(os.getpid())]
    if len(others) > most_tasks or sum(map(threads, others)) > most_tasks:
        return f"It had more than {most_tasks} processes and threads at once."
    if sum(map(resident, others)) > most_memory and sum(map(proportional, others)) > most_memory:
        return f"It used more than {most_memory // 1024**2} MiB of memory."
    if any(files_in(folder) > MOST_FILES for folder in TEMPORARY):
        return f"It made more than {MOST_FILES:,} files."
    return ""


def threads(pid: str) -> int:
    stat = contents(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(stat[17]) if stat else 0


def resident(pid: str) -> int:
    """Bytes in memory that are no file's: quick to ask, but what forks share is counted for each."""
    pages = contents(f"/proc/{pid}/statm").split()
    return (int(pages[1]) - int(pages[2])) * PAGE if pages else 0


def proportional(pid: str) -> int:
    """The same with what is shared divided among those that share it."""
    found = re.search(rb"^Pss_Anon:\s*(\d+) kB", contents(f"/proc/{pid}/smaps_rollup"), re.M)
    return int(found[1]) * 1024 if found else resident(pid)


def contents(path: str) -> bytes:
    """Nothing when the process has ended meanwhile."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def files_in(folder: str) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_files - found.f_ffree
