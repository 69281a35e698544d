"""Command lines that run a program shut in: own processes, no network, and only the files it needs.

bubblewrap where it works, else the same by hand with `unshare`. A sandbox sees the system's programs and libraries
read-only, its own `/proc`, `/dev` and `/tmp`, and at most one folder to write to; never `/`, `/home`, `/run` or `/var`,
nor this product's own folder and data, wherever they are. `/proc` is read-only: for a process of the machine's root,
`/proc/sys` would be a way out. The program is process 1 of its namespace: when it ends, all it started ends. The
environment is what X
"""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: S404
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime")
NETWORK_SETTINGS = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/ssl",
    "/etc/ca-certificates", "/etc/pki",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom")
TMP_BYTES = 256 * 1024 * 1024
PROBE_SECONDS = 10
MISSING = (
    "No sandbox works on this machine. Install bubblewrap (`apt-get install -y bubblewrap`) or allow user namespaces."
)
CHECKOUT = Path(__file__).resolve().parent.parent


@cache
def available() -> str | None:
    """ "bwrap", "unshare" or None: what really starts a sandbox here, which is tried once per process."""
    return next((kind for kind in ("bwrap", "unshare") if _works(kind)), None)


def command(argv: Sequence[str], *, network: bool, readonly: Sequence[Path], workdir: Path | None) -> list[str]:
    """The command line that runs `argv` inside a sandbox, in `workdir`, the only folder of the machine it can write to;
    without one in its own `/tmp`.

    `readonly` are further files and folders it sees at their own place.

    Raises:
        RuntimeError: no sandbox works here; the text names the cure.
        ValueError: a path is not absolute, or is the root.
    """
    kind = available()
    if kind is None:
        raise RuntimeError(MISSING)
    return _command(kind, argv, network, readonly, workdir)


def private() -> list[Path]:
    """The product's own folder and its data, which no sandbox shows."""
    own = [CHECKOUT, Path(os.environ.get("VAR_DIR") or CHECKOUT / "var").resolve()]
    return [path for path in own if path.is_dir()]


def python() -> tuple[str, list[Path]]:
    """The interpreter to run inside a sandbox, and what must be readable there for it and its installed packages."""
    prefix = Path(sys.base_prefix)
    homes = [] if prefix.is_relative_to("/usr") else [prefix]
    return os.path.realpath(sys.executable), [*homes, *map(Path, packages())]


def packages() -> list[str]:
    """The folders of installed packages, for `sys.path` of an interpreter that starts without its environment."""
    paths = sysconfig.get_paths()
    return list(dict.fromkeys((paths["purelib"], paths["platlib"])))


def _works(kind: str) -> bool:
    if shutil.which(kind) is None:
        return False
    with tempfile.TemporaryDirectory() as workdir:
        argv = _command(kind, ["/bin/sh", "-c", ": > here"], False, [], Path(workdir))
        try:
            done = subprocess.run(argv, env={}, capture_output=True, timeout=PROBE_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0 and Path(workdir, "here").exists()


def _command(
    kind: str, argv: Sequence[str], network: bool, readonly: Sequence[Path], workdir: Path | None
) -> list[str]:
    for path in (*readonly, *([workdir] if workdir else [])):
        if not path.is_absolute() or path == Path("/"):
            raise ValueError(f"A sandbox takes absolute paths below /, not {path}.")
    build = _bwrap if kind == "bwrap" else _unshare
    return build(list(argv), network, list(readonly), workdir)


def _bwrap(argv: list[str], network: bool, readonly: list[Path], workdir: Path | None) -> list[str]:
    words = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--as-pid-1"]
    words += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"]
    words += [*(["--share-net"] if network else []), "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/tmp"):  # noqa: S108
        words += ["--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", folder]
    for name in SYSTEM:
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.exists(name):
            words += ["--ro-bind", name, name]
    for how, path in _places(network, readonly):
        words += {SHOW: ["--ro-bind", path, path], COVER: ["--tmpfs", path], SEAL: ["--remount-ro", path]}[how]
    words += ["--bind", str(workdir), str(workdir), "--chdir", str(workdir)] if workdir else ["--chdir", "/tmp"]  # noqa: S108
    return [*words, "--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--", *argv]


SHOW, COVER, SEAL = "+", "!", "="


def _places(network: bool, readonly: list[Path]) -> Iterator[tuple[str, str]]:
    """What to do with which path, in order. What is private is covered where it lies in something that is shown, and
    only then comes what is shown of it all the same.
    """
    around = [path for path in readonly if any(own.is_relative_to(path) for own in private())]
    covered = [str(own) for own in private() if any(own.is_relative_to(path) for path in (*map(Path, SYSTEM), *around))]
    yield from ((SHOW, str(path)) for path in around)
    yield from ((COVER, path) for path in covered)
    yield from ((SHOW, path) for path in _visible(network, [path for path in readonly if path not in around]))
    yield from ((SEAL, path) for path in covered)


def _visible(network: bool, readonly: list[Path]) -> Iterator[str]:
    settings = (*SETTINGS, *(NETWORK_SETTINGS if network else ()))
    for path in (*settings, *map(str, readonly)):
        if os.path.exists(path):
            yield path


# Builds the root on a tmpfs and moves into it. The new root's capabilities end before the program starts, else it could
# make its read-only mounts writable again. Arguments: root, workdir or nothing, SHOW, COVER or SEAL with a path…, `--`,
# the program.
BUILD_ROOT = r"""
set -e
path=$PATH
PATH=$PATH:/usr/sbin:/sbin
root=$1 workdir=$2
shift 2
mount -t tmpfs -o mode=755,nosuid,nodev sandbox "$root"
place() {
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root$(dirname "$1")"; : > "$root$1"; fi
    mount --rbind "$1" "$root$1"
}
seal() {
    findmnt -rno TARGET | while read -r target; do
        case "$target" in "$root$1" | "$root$1"/*) mount -o remount,bind,ro,nosuid "$target" ;; esac
    done
}
for name in $SYSTEM_NAMES; do
    if [ -L "$name" ]; then ln -s "$(readlink "$name")" "$root$name"
    elif [ -e "$name" ]; then place "$name"; seal "$name"; fi
done
mkdir -p "$root/proc"
for name in /tmp /dev/shm; do
    mkdir -p "$root$name"
    mount -t tmpfs -o "mode=1777,nosuid,nodev,size=$TMP_SIZE" sandbox "$root$name"
done
mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc"
for name in $DEVICE_NAMES; do place "/dev/$name"; done
ln -s /proc/self/fd "$root/dev/fd"
for name in in:0 out:1 err:2; do ln -s "/proc/self/fd/${name#*:}" "$root/dev/std${name%:*}"; done
while [ "$1" != -- ]; do
    name=${1#?}
    case "$1" in
        +*) place "$name"; seal "$name" ;;
        !*) mount -t tmpfs -o mode=755,nosuid,nodev sandbox "$root$name" ;;
        =*) mount -o remount,bind,ro,nosuid,nodev "$root$name" ;;
    esac
    shift
done
shift
if [ -n "$workdir" ]; then
    place "$workdir"
    mount -o remount,bind,nosuid,nodev "$root$workdir"
fi
mount -o remount,bind,ro,nosuid,nodev "$root"
cd "$root"
pivot_root . .
umount -l .
cd "${workdir:-/tmp}"
PATH=$path
unset SYSTEM_NAMES DEVICE_NAMES TMP_SIZE OLDPWD
exec setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- "$@"
"""
ROOTS = ("/mnt", "/media", "/srv", "/opt", "/home")


def _unshare(argv: list[str], network: bool, readonly: list[Path], workdir: Path | None) -> list[str]:
    places = list(_places(network, readonly))
    busy = [*(path for _, path in places), str(workdir)]
    free = (root for root in ROOTS if os.path.isdir(root) and not any(path.startswith(root) for path in busy))
    script = f"SYSTEM_NAMES='{' '.join(SYSTEM)}' DEVICE_NAMES='{' '.join(DEVICES)}' TMP_SIZE={TMP_BYTES}\n{BUILD_ROOT}"
    words = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount", "--pid", "--ipc", "--uts"]
    words += ["--fork", "--kill-child", *([] if network else ["--net"]), "--", "/bin/sh", "-c", script, "sandbox"]
    return [*words, next(free, "/mnt"), str(workdir or ""), *(how + path for how, path in places), "--", *argv]
