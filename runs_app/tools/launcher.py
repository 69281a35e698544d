"""Starts one command under supervision: limits, its own session, and an end that takes everything it started along.

Run as `python -I -S launcher.py OPTIONS COMMAND [ARGUMENT…]`, standard library only: between fork and exec of a
threaded worker nothing can be done safely, so a fresh single-threaded process does it. OPTIONS is a JSON object:
`parent` (the pid that must still be our parent), `limits` (rlimit name → value), `namespace` (use a PID namespace).

With a PID namespace the command's first ancestor is process 1 of it, and the kernel kills the rest when that one goes.
Without one the launcher adopts every orphan of the command (it is their subreaper) and kills until none is left.
It exits as a shell would report the command: its exit code, 128 + signal, 127 not found, 126 not executable;
125 is its own failure.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_SLAVE = 2, 4, 8, 0x4000, 0x80000
NOT_FOUND, NOT_EXECUTABLE, OWN_FAILURE = 127, 126, 125


class Stopped(Exception):
    """The worker asked for the end, or died."""


def main() -> int:
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = bool(options.get("namespace"))
    if not namespace:
        signal.signal(signal.SIGTERM, stop)
    die_with_parent(libc, signal.SIGKILL if namespace else signal.SIGTERM)
    if os.getppid() != options["parent"]:
        return OWN_FAILURE
    limits = options.get("limits", {})
    return in_namespace(libc, command, limits) if namespace else supervised(libc, command, limits)


def stop(number: int, frame: object) -> None:
    raise Stopped


def die_with_parent(libc: ctypes.CDLL, number: int) -> None:
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def in_namespace(libc: ctypes.CDLL, command: list[str], limits: dict[str, int]) -> int:
    """Fork process 1 of a new PID namespace and wait for it; our death is its death."""
    enter_namespace(libc)
    die_with_parent(libc, signal.SIGKILL)  # a change of credentials clears it
    alive, held = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(held)
        os._exit(guarded(lambda: first_process(libc, command, limits, alive)))
    os.close(alive)
    return exit_code(os.waitpid(first, 0)[1])


def enter_namespace(libc: ctypes.CDLL) -> None:
    """PID and mount namespace, inside a user namespace (same ids) where we are not privileged."""
    flags = CLONE_NEWPID | CLONE_NEWNS
    if os.geteuid() == 0 and libc.unshare(flags) == 0:
        return
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(flags | CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no PID namespace can be made here")
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def first_process(libc: ctypes.CDLL, command: list[str], limits: dict[str, int], alive: int) -> int:
    """Be process 1: own /proc if the kernel lets us, start the command, reap whatever ends, end with the command."""
    die_with_parent(libc, signal.SIGKILL)
    os.set_blocking(alive, False)
    try:
        os.read(alive, 1)
        return OWN_FAILURE  # end of file: the launcher died before we asked to die with it
    except BlockingIOError:
        pass
    if libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None) == 0:
        libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    return wait_for(start(libc, command, limits))


def supervised(libc: ctypes.CDLL, command: list[str], limits: dict[str, int]) -> int:
    """Start the command as our child and leave nothing of it behind, however it or we end."""
    if sys.platform == "linux":
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = start(libc, command, limits)
    try:
        return wait_for(child)
    except Stopped:
        return 128 + signal.SIGKILL
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_all(child)


def start(libc: ctypes.CDLL, command: list[str], limits: dict[str, int]) -> int:
    child = os.fork()
    if child == 0:
        os._exit(guarded(lambda: become(libc, command, limits)))
    return child


def become(libc: ctypes.CDLL, command: list[str], limits: dict[str, int]) -> int:
    """Turn this process into the command; return only when that fails."""
    die_with_parent(libc, signal.SIGKILL)
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for name, value in limits.items():
        lower_limit(getattr(resource, name), value)
    prefer_for_oom_killer()
    try:
        os.execvp(command[0], command)  # noqa: S606 - to become the command is what this program is for
    except FileNotFoundError:
        complain(f"{command[0]}: not found")
        return NOT_FOUND
    except OSError as error:
        complain(f"{command[0]}: {error.strerror}")
        return NOT_EXECUTABLE


def lower_limit(which: int, value: int) -> None:
    """Never above the limit that already holds."""
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def prefer_for_oom_killer() -> None:
    """When memory runs out, the command goes before the worker."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return


def wait_for(child: int) -> int:
    """The child's exit code; adopted orphans that end meanwhile are reaped."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return exit_code(status)


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def kill_all(child: int) -> None:
    """Kill the command's group, then every process that we adopt from it, until we have no child left."""
    kill_group(child)
    while reap():
        for pid in children():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        if not os.path.isdir("/proc/self"):
            return
        time.sleep(0.005)


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:
        return


def reap() -> bool:
    """Collect what has ended; whether a child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def children() -> list[int]:
    """Our direct children, from /proc (field 4 of stat is the parent)."""
    me, found = str(os.getpid()), []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                after_name = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if after_name[1].decode() == me:
            found.append(int(name))
    return found


def complain(text: str) -> None:
    os.write(2, f"{text}\n".encode("utf-8", "surrogateescape"))


def guarded(body: Callable[[], int]) -> int:
    """The body's exit code; an exception in a forked process must not run its parent's code."""
    try:
        return body()
    except BaseException as error:
        complain(f"launcher: {error!r}")
        return OWN_FAILURE


if __name__ == "__main__":
    sys.exit(guarded(main))
