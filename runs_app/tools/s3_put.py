"""tools.s3.put: store an object in S3 or in a store that speaks its language."""

from __future__ import annotations

import io
import mimetypes
import os
from typing import IO, Any
from urllib.parse import quote

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import work_folder
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Tool, ToolContext
from runs_app.tools.s3_client import COMMON, MOST_PARTS, PART, Call

NAME = "tools.s3.put"
SOURCES = ("body", "json", "path")
KNOWN = (*COMMON, *SOURCES, "content_type")


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """bucket, key, body, json or path, content_type, endpoint_url, region, access_key, secret_key, session_token,
    timeout → {bucket, key, etag, size, url}.

    `path` is a file in the run's own folder, HIGHWAY_WORK_DIR, sent as it is read, in parts when it is large.
    """
    given = Given(NAME, arguments, KNOWN)
    if len([name for name in SOURCES if name in given]) != 1:
        raise given.refusal("body", "or json or path must be given, and only one of them")
    source, content_type = _source(given, context)
    with source:
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        call = Call(given, context)
        etag = call.perform(lambda: _upload(call, source, size, given.text("content_type") or content_type))
    url = f"{call.client.meta.endpoint_url}/{call.bucket}/{quote(call.key)}"
    context.log(f"{call.where}: {size:,} bytes stored\n")
    return {"bucket": call.bucket, "key": call.key, "etag": etag, "size": size, "url": url}


def _source(given: Given, context: ToolContext) -> tuple[IO[bytes], str]:
    """What to store, and what it is by default."""
    if "path" in given:
        path = given.text("path")
        try:
            file = work_folder.open_file(context, path)
        except work_folder.Outside as error:
            raise given.refusal("path", str(error)) from None
        return file, mimetypes.guess_type(path)[0] or "application/octet-stream"
    if "json" in given:
        return io.BytesIO(safe_json.dumps(given.value("json")).encode()), "application/json"
    body = given.value("body")
    if isinstance(body, dict | list):
        raise given.refusal("body", "must be a text; give objects and lists as json")
    return io.BytesIO(given.as_text("body", body).encode("utf-8", "replace")), "text/plain; charset=utf-8"


def _upload(call: Call, source: IO[bytes], size: int, content_type: str) -> str:
    """The etag. One request for what fits into a part, else a multipart upload that is called off when it fails."""
    place = {"Bucket": call.bucket, "Key": call.key}
    if size <= PART:
        answer = call.client.put_object(**place, Body=source, ContentType=content_type)
        return str(answer["ETag"]).strip('"')
    upload = call.client.create_multipart_upload(**place, ContentType=content_type)["UploadId"]
    try:
        parts = _parts(call, source, upload, max(PART, -(-size // MOST_PARTS)))
        answer = call.client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        _call_off(call, upload)
        raise
    return str(answer["ETag"]).strip('"')


def _parts(call: Call, source: IO[bytes], upload: str, length: int) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    while data := source.read(length):
        number = len(parts) + 1
        answer = call.client.upload_part(
            Bucket=call.bucket, Key=call.key, UploadId=upload, PartNumber=number, Body=data
        )
        parts.append({"ETag": answer["ETag"], "PartNumber": number})
        call.context.log(f"{call.where}: {source.tell():,} bytes sent\n")
    return parts


def _call_off(call: Call, upload: str) -> None:
    """The store would keep, and charge for, the parts of an upload that nobody ends."""
    try:
        call.client.abort_multipart_upload(Bucket=call.bucket, Key=call.key, UploadId=upload)
    except Exception as error:  # the first failure is the one to tell; this one is worth a line
        call.context.log(f"{call.where}: the parts that were sent could not be removed: {error}\n")


TOOL = Tool(NAME, run, positional=("bucket", "key", "body"))
