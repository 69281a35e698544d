"""Uploaded code: reading it, and what a zip must be to be stored. Nothing here runs it."""

from __future__ import annotations

import io
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from highway_automation.base import clock
from highway_automation.base.errors import FieldError, Invalid, NotFound, TooLarge
from runs_app.models import Artifact
from tenants_app.models import Tenant

FIELD = "artifact"
MAX_FILES = 10_000
MAX_UNPACKED = 8  # times the size that an upload may have: what Python sources are packed to, and no bomb
KEPT_FRESH = timedelta(hours=1)
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED = 0x1


def find_artifact(tenant: Tenant | str, artifact_id: str) -> Artifact:
    """The tenant's artifact without its content. Raises NotFound: for another tenant's just as for none."""
    rows = Artifact.objects.for_tenant(tenant).defer("content")
    found = rows.filter(sha256=str(artifact_id).lower().replace("\x00", "")[:100]).first()
    if found is None:
        raise NotFound(f"There is no artifact {artifact_id}.")
    return found


def content(tenant_id: str, artifact_id: str) -> bytes:
    """The zip itself; being read keeps it from clean-up. Raises NotFound."""
    artifact = find_artifact(tenant_id, artifact_id)
    if artifact.used_at < (moment := clock.now()) - KEPT_FRESH:
        Artifact.objects.for_tenant(tenant_id).filter(pk=artifact.pk).update(used_at=moment)
    return bytes(artifact.content)


def check_zip(data: bytes) -> None:
    """Raises TooLarge, or Invalid naming what is wrong, unless this can be unpacked without harm."""
    limit = settings.HIGHWAY_ARTIFACT_BYTES
    if len(data) > limit:
        raise TooLarge(f"The artifact is larger than {limit} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            problem = next(_problems(archive.infolist(), limit * MAX_UNPACKED), None) or _damage(archive)
    # zipfile tells of unknown compression by NotImplementedError, of a wrong password by RuntimeError
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        problem = f"This is no zip file: {error}"
    if problem:
        raise Invalid(f"{FIELD}: {problem}", errors=[FieldError(FIELD, problem)])


def _problems(files: list[zipfile.ZipInfo], most: int) -> Iterator[str]:
    if not files:
        yield "The zip is empty."
    if len(files) > MAX_FILES:
        yield f"The zip holds more than {MAX_FILES} files."
    if sum(file.file_size for file in files) > most:
        yield f"Unpacked, the files are larger than {most} bytes."
    seen: set[str] = set()
    for file in files:
        if problem := _problem(file):
            yield f"{file.filename[:100]!r} {problem}"
        if (path := posixpath.normpath(file.filename)) in seen:
            yield f"{path[:100]!r} is in it twice."
        seen.add(path)


def _problem(file: zipfile.ZipInfo) -> str:
    name, kind = file.orig_filename, stat.S_IFMT(file.external_attr >> 16)
    if name.startswith("/") or "\\" in name or ":" in name.split("/")[0]:
        return "is not a relative path with / between its parts."
    if ".." in name.split("/"):
        return "leads out of the folder it is unpacked in."
    if not name.isprintable() or len(name) > 255:
        return "is no name for a file."
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is neither a file nor a folder."
    if file.flag_bits & ENCRYPTED:
        return "is encrypted."
    return "" if file.compress_type in METHODS else "is packed by another method than deflate."


def _damage(archive: zipfile.ZipFile) -> str | None:
    """Reads every file, which ends at the size that it claims to have."""
    damaged = archive.testzip()
    return damaged and f"{damaged[:100]!r} is damaged."
