"""A folder per run for files that one step makes and another one takes, such as a dump that is uploaded.

It lies on the worker's machine under the setting `HIGHWAY_WORK_DIR`, which several machines may share, and goes when
the run is over.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from runs_app.tools.base import ToolContext

VARIABLE = "HIGHWAY_WORK_DIR"
PRIVATE = 0o700


class Outside(ValueError):
    """The path cannot be used; the text says why."""


def of(context: ToolContext) -> Path:
    """The run's folder, which may not exist yet."""
    return _root() / context.tenant_id / str(context.run_id)


def made(context: ToolContext) -> Path:
    folder = of(context)
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    return folder


def path_in(context: ToolContext, text: str) -> Path:
    """The path, absolute or seen from the run's folder, if it stays in it, links followed. Raises Outside."""
    folder = made(context).resolve()
    path = (folder / text.replace("\0", "")).resolve()
    if "\0" in text or path == folder or not path.is_relative_to(folder):
        raise Outside(f"must name a file in the run's folder, ${VARIABLE} ({folder}), not {text!r}")
    return path


def open_file(context: ToolContext, text: str) -> IO[bytes]:
    """A file of the run's folder, for reading. Raises Outside."""
    path = path_in(context, text)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Outside(f"{path} cannot be read on this worker: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Outside(f"{path} is no regular file")
    return os.fdopen(handle, "rb")


def run_folders() -> Iterator[tuple[UUID, Path]]:
    """Every run that has a folder on this machine."""
    for path in _root().glob("*/*"):
        try:
            yield UUID(path.name), path
        except ValueError:
            continue


def remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _root() -> Path:
    root: Any = settings.HIGHWAY_WORK_DIR
    return Path(root)
