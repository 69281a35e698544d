"""What the machine gives: the interpreter and its packages, the sandbox, the installation's folder, the disk."""

from __future__ import annotations

import re
import shutil
import stat
import sys
from importlib import metadata
from pathlib import Path

from django.conf import settings

from highway_automation import installation
from highway_automation.doctor.examination import Check, Saw, failed, ok, warning
from runs_app import sandbox
from runs_app.tools import broken_tools, every_tool

LEAST_FREE_BYTES = 1024**3
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)
INSTALL = "Install what is pinned: .venv/bin/python -m pip install -r requirements.txt"


def packages() -> Saw:
    """Whether what is installed is what this release was tested with."""
    pinned = PINNED.findall((Path(settings.BASE_DIR) / "requirements.txt").read_text())
    wrong = [f"{name} {_installed(name) or 'missing'} instead of {version}" for name, version in pinned
             if _installed(name) != version]  # fmt: skip
    version = ".".join(map(str, sys.version_info[:3]))
    if wrong:
        return failed(f"Python {version}; {len(wrong)} packages differ: {', '.join(wrong[:5])}", INSTALL)
    return ok(f"Python {version}, {len(pinned)} packages as pinned")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def code_sandbox() -> Saw:
    if kind := sandbox.available():
        return ok(f"Code steps run in a sandbox made by {kind}")
    if settings.HIGHWAY_ALLOW_UNSANDBOXED_CODE:
        return warning("Code steps run without a sandbox (HIGHWAY_ALLOW_UNSANDBOXED_CODE)", sandbox.MISSING)
    return failed("Code steps and Python source cannot run on this machine", sandbox.MISSING)


def added_tools() -> Saw:
    """Tools that other packages install as entry points."""
    problems = broken_tools()
    if problems:
        told = "; ".join(f"{name} ({why})" for name, why in problems.items())
        return failed(f"Tools of other packages cannot be used: {told}", "Mend or uninstall the package")
    return ok(f"{len(every_tool())} tools")


def folder() -> Saw:
    """Secrets in it must be readable by their owner only."""
    var_dir = Path(settings.VAR_DIR)
    if not var_dir.is_dir():
        return warning(f"{var_dir} is not there", "It is made by `make up`; elsewhere set VAR_DIR to a folder.")
    secrets = var_dir / installation.SECRETS_FILE
    if secrets.exists() and secrets.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return failed(f"{secrets} can be read by others", f"chmod 600 {secrets}")
    return ok(str(var_dir))


def disk() -> Saw:
    var_dir = Path(settings.VAR_DIR)
    free = shutil.disk_usage(var_dir if var_dir.is_dir() else "/").free
    told = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        return failed(told, "Free some space, or shorten what is kept (HIGHWAY_RETENTION_…).")
    return ok(told)


CHECKS: dict[str, Check] = {
    "packages": packages,
    "sandbox": code_sandbox,
    "tools": added_tools,
    "folder": folder,
    "disk": disk,
}
