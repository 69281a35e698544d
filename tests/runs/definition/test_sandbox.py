from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs_app import sandbox

CLEAN = {"PATH": "/usr/bin:/bin", "GIVEN": "yes"}


@pytest.fixture(params=["bwrap", "unshare"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Each way to build a sandbox that works here, chosen by what is on the search path."""
    wanted = str(request.param)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / wanted).symlink_to(shutil.which(wanted) or "missing")
    monkeypatch.setenv("PATH", str(programs))
    sandbox.available.cache_clear()
    assert sandbox.available() == wanted
    yield wanted
    sandbox.available.cache_clear()


def run(tmp_path: Path, script: str, *, network: bool = False, readonly: tuple[Path, ...] = ()) -> str:
    workdir = tmp_path / "work"
    workdir.mkdir(exist_ok=True)
    command = sandbox.command(["/bin/sh", "-c", script], network=network, readonly=list(readonly), workdir=workdir)
    done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_only_the_folder_it_is_given_can_be_written(kind: str, tmp_path: Path) -> None:
    run(tmp_path, "echo mine > result; touch /usr/x /x /etc/x; echo far > ../outside; chmod 777 /usr")
    assert (tmp_path / "work" / "result").read_text() == "mine\n"
    assert not Path("/usr/x").exists() and not (tmp_path / "outside").exists()


def test_the_machine_s_settings_cannot_be_changed(kind: str, tmp_path: Path) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    said = run(tmp_path, "echo evil > /proc/sys/kernel/core_pattern; echo 1 > /proc/self/oom_score_adj; ls /proc/sys")
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    assert said.count("cannot create") == 2


def test_mounts_cannot_be_undone(kind: str, tmp_path: Path) -> None:
    said = run(
        tmp_path,
        "mount -o remount,bind,rw /usr && echo escaped; umount -l /proc && echo escaped;"
        "unshare -Urm sh -c 'mount -o remount,bind,rw /usr && touch /usr/x && echo escaped';"
        "unshare -Um sh -c 'mount -t proc proc /proc && echo escaped'; grep Cap /proc/self/status",
    )
    assert "escaped" not in said and "CapEff:\t0000000000000000" in said and "CapBnd:\t0000000000000000" in said


def test_nothing_of_the_machine_is_seen(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIDDEN", "from the sandbox")
    said = run(tmp_path, "ls -d /home /root /run /var /srv /opt /etc/passwd /etc/shadow; cat /proc/*/environ; env")
    assert said.count("No such file") == 8
    assert "GIVEN=yes" in said and "HIDDEN" not in said and "HOME=/" not in said


def test_other_processes_are_out_of_reach(kind: str, tmp_path: Path) -> None:
    said = run(tmp_path, f"kill -0 {os.getpid()} 2> /dev/null && echo reached; ls /proc | grep -c '^[0-9]'")
    assert "reached" not in said and int(said.split()[-1]) < 10


def test_what_is_readonly_can_be_read_and_not_written(kind: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "note").write_text("hello")
    said = run(tmp_path, f"cat {shared}/note; echo x > {shared}/note", readonly=(shared,))
    assert said.startswith("hello") and (shared / "note").read_text() == "hello"


def test_there_is_a_network_only_where_it_is_wanted(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=accept_until_closed, args=(server,), daemon=True).start()
        interpreter, readonly = sandbox.python()
        script = (
            f"{interpreter} -I -S -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 5)' && echo in"
        )
        assert "in\n" in run(tmp_path, script, network=True, readonly=tuple(readonly))
        assert "in\n" not in run(tmp_path, script, readonly=tuple(readonly))


def accept_until_closed(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


def test_python_and_its_packages_run_inside(kind: str, tmp_path: Path) -> None:
    interpreter, readonly = sandbox.python()
    program = f"import sys; sys.path += {sandbox.packages()!r}; import pydantic; print(sys.version_info[:2])"
    script = f"{interpreter} -I -c {shlex.quote(program)}"
    assert str(sys.version_info[:2]) in run(tmp_path, script, readonly=tuple(readonly))


def test_an_ordinary_user_can_build_one(kind: str) -> None:
    """The machine's root, as whom tests often run, may more than a worker should be able to."""
    nobody = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
    command = sandbox.command(["/bin/sh", "-c", "pwd; : > /x"], network=False, readonly=[], workdir=None)
    argv = [*nobody, *command] if os.geteuid() == 0 else command
    done = subprocess.run(argv, env=CLEAN, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "/tmp\n" and "cannot create /x" in done.stderr


def test_temporary_space_is_bounded(kind: str, tmp_path: Path) -> None:
    said = run(tmp_path, "df -k /tmp /dev/shm | tail -2 | awk '{print $2}'")
    assert [int(size) * 1024 for size in said.split()] == [sandbox.TMP_BYTES] * 2


def test_the_end_of_the_sandbox_ends_everything_in_it(kind: str, tmp_path: Path) -> None:
    workdir = tmp_path / "work"
    workdir.mkdir()
    argv = ["/bin/sh", "-c", "setsid sh -c 'echo ready; sleep 1000' & wait"]
    command = sandbox.command(argv, network=False, readonly=[], workdir=workdir)
    with subprocess.Popen(command, env=CLEAN, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.kill()
        assert process.communicate(timeout=30)[0] == ""  # the pipe ends with the last process that holds it


def test_what_is_there_but_does_not_work_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("bwrap", "unshare"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 0\n")  # says it worked and ran nothing
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox.available.cache_clear()
    try:
        assert sandbox.available() is None
        with pytest.raises(RuntimeError, match="apt-get install -y bubblewrap"):
            sandbox.command(["true"], network=False, readonly=[], workdir=tmp_path)
    finally:
        sandbox.available.cache_clear()


@pytest.mark.parametrize("path", [Path("/"), Path("relative")])
def test_the_root_and_relative_paths_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="absolute paths below /"):
        sandbox.command(["true"], network=False, readonly=[path], workdir=tmp_path)
