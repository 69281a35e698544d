"""Zips in requests and answers: multipart or raw, refused by their length before a byte of them is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from highway_automation.base.errors import FieldError, Invalid, TooLarge
from runs_app.artifacts import FIELD

ZIP = "application/zip"
CSRF_FIELD = "csrfmiddlewaretoken"  # of the form on the browsable page
WRAPPING = 64 * 1024  # what multipart puts around a file


class ZipParser(BaseParser):
    """The body is the zip."""

    media_type = ZIP

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return stream.read(settings.HIGHWAY_ARTIFACT_BYTES + 1)


class ZipRenderer(BaseRenderer):
    """The body is the zip; a refusal is JSON, as everywhere."""

    media_type = ZIP
    format = "zip"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return data if isinstance(data, bytes) else json.dumps(data).encode()


def refuse_long(request: Request) -> None:
    """Raises TooLarge. A server reads no more than the length it was told."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    if told.isdecimal() and int(told) > settings.HIGHWAY_ARTIFACT_BYTES + WRAPPING:
        raise TooLarge(f"The artifact is larger than {settings.HIGHWAY_ARTIFACT_BYTES} bytes.")


def uploaded(request: Request) -> tuple[bytes, str]:
    """The zip and its name. Raises Invalid when the field is missing, is no file, or something else was sent beside."""
    data: Any = request.data
    if isinstance(data, bytes):
        return data, ""
    files, more = request.FILES.getlist(FIELD), set(data) - {FIELD, CSRF_FIELD}
    told = dict.fromkeys(sorted(more), "Unknown field.")
    if len(files) != 1:
        told[FIELD] = "Send one zip file in this multipart field, or as a body of type application/zip."
    if told:
        raise Invalid("; ".join(told.values()), errors=[FieldError(name, text) for name, text in told.items()])
    return files[0].read(), files[0].name or ""
