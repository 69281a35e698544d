"""Values that would do harm if any part of them were read as syntax, and the shells they are tried on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from runs_app.expressions import Names, bind_shell

SHELLS = [path for path in (shutil.which("sh"), shutil.which("bash"), shutil.which("busybox")) if path]
REFERENCE = re.compile(r"\{\{x\}\}|\$\{x\}")
VALUES = [
    "$(touch x)", '"; touch x #', "'; touch x #", "`touch x`", "a\nb", "\ntouch x\n", "trailing\n\n\n", "it's", '"',
    "'", "\\", "\\\\", "\\n", "%s%d", "*", "?", "[a]", "~", "!", "#x", "-n", "--", "$HOME", "${HOME}", "$((1+1))",
    "a;b",
    "a&b", "a|b", "a>b", "}", ")", "]]", "EOF", "EOF\n", "\nEOF\ntouch x\n", "a[$(touch x)]", " lead and trail ", "\t",
    "", "\r\n", "é\u2028\U0001f600", "{{y}}", "${y}", "\x01\x7f", "=", "touch x",
]  # fmt: skip


def run(shell: str, command: str, values: Sequence[object], folder: Path) -> list[str]:
    """What the command prints for each value of x, all in one script; nothing may appear in its folder."""
    between = "\nprintf '\\0'\n"
    script = "".join(REFERENCE.sub(f"${{x{number}}}", command) + between for number in range(len(values)))
    inputs = {f"x{number}": value for number, value in enumerate(values)}
    bound = bind_shell(script, Names(inputs={**inputs, "y": "no"}))
    argv = [shell, "sh"] if shell.endswith("busybox") else [shell]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **bound.env}
    done = subprocess.run(
        [*argv, "-c", bound.command], env=environment, cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert list(folder.iterdir()) == [], bound.command
    assert done.stderr == b"", bound.command
    return done.stdout.decode().split("\0")[:-1]
