"""One installation is one folder, `VAR_DIR`: database, secrets, mail, logs, backups. Prepared before Django starts.

Only the standard library is used here: the settings, which Django reads first, need the secrets of this folder.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import IO, NoReturn

CHECKOUT = Path(__file__).resolve().parent.parent
SECRETS_FILE = "highway.env"
LOCK_FILE = "up.lock"
ADDRESS_FILE = "up.address"
DEFAULT_TENANT = "default"
GRACE_SECONDS = 8  # with the up to 4 s that Celery's consumer and timer take to end, `up` ends within 15


def prepare() -> None:
    """Make the folder and its secrets where they lack, and tell the settings the address that `up` serves.

    Exits with 2 for a PORT that is none, with 1 when the folder can't be used; the reason is on stderr.
    """
    number = port()
    folder = var_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secrets(folder / SECRETS_FILE)
    except OSError as error:
        refuse(f"VAR_DIR {folder} can't be used: {error.strerror}.", code=1)
    os.environ["VAR_DIR"] = str(folder)
    os.environ.setdefault("HIGHWAY_BASE_URL", f"http://127.0.0.1:{number}")
    os.environ.setdefault("HIGHWAY_DEFAULT_TENANT", DEFAULT_TENANT)
    os.environ.setdefault("HIGHWAY_GRACE_SECONDS", str(GRACE_SECONDS))


def port() -> int:
    """The TCP port of `PORT` (default 8000)."""
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        refuse(f"PORT={text!r} is not a TCP port (1-65535).", code=2)
    return int(text)


def var_dir() -> Path:
    """The folder of `VAR_DIR` (default `var` in the checkout), absolute."""
    return Path(os.environ.get("VAR_DIR") or CHECKOUT / "var").resolve()


def write_secrets(path: Path) -> None:
    """Write the secrets of a new installation, readable by their owner only. An existing file is never touched:
    its first encryption key is the only one that reads what is stored.
    """
    if path.exists():
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(new_secrets())
    try:
        os.link(temporary, path)  # unlike a rename it refuses to replace what another `up` wrote meanwhile
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)


def new_secrets() -> str:
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return (
        "# Secrets of this installation. Losing HIGHWAY_ENCRYPTION_KEYS loses every stored secret: back it up.\n"
        f"HIGHWAY_SECRET_KEY={secrets.token_urlsafe(50)}\n"
        f"HIGHWAY_ENCRYPTION_KEYS={fernet_key}\n"
        f"HIGHWAY_DEFAULT_TENANT={DEFAULT_TENANT}\n"
    )


def lock() -> IO[str]:
    """Hold the folder for this process as long as the returned file is open; exits with 1 when another one has it."""
    path = var_dir() / LOCK_FILE
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            refuse(f"Another `up` (process {file.read().strip()}) already runs on {path.parent}.", code=1)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def tell_address(url: str) -> None:
    """Let commands from other shells, which do not know this `up`'s PORT, name the address that it serves."""
    (var_dir() / ADDRESS_FILE).write_text(f"{url}\n")


def told_address() -> str:
    """The address that the folder's last `up` served; empty where there was none."""
    try:
        return (var_dir() / ADDRESS_FILE).read_text().strip()
    except OSError:
        return ""


def refuse(reason: str, *, code: int) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(code)
