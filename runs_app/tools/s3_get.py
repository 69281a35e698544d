"""tools.s3.get: read an object of S3 or of a store that speaks its language."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import fitting, work_folder
from runs_app.tools.arguments import Given
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError
from runs_app.tools.s3_client import COMMON, Call

NAME = "tools.s3.get"
KNOWN = (*COMMON, "path", "version_id")
CHUNK = 1024 * 1024


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """bucket, key, path, version_id, endpoint_url, region, access_key, secret_key, session_token, timeout → {bucket,
    key, etag, size, content_type, last_modified, body, json, path}.

    `body` is the text, `json` its value where it is JSON. With `path` the object goes to that file in the run's own
    folder, HIGHWAY_WORK_DIR, instead: what is no text, or more than a step may store, needs it.
    """
    given = Given(NAME, arguments, KNOWN)
    target = _target(given, context)
    call = Call(given, context)
    output: dict[str, JSON] = call.perform(lambda: _read(call, target))
    context.log(f"{call.where}: {output['size']:,} bytes read\n")
    return output


def _target(given: Given, context: ToolContext) -> Path | None:
    if "path" not in given:
        return None
    try:
        return work_folder.path_in(context, given.text("path"))
    except work_folder.Outside as error:
        raise given.refusal("path", str(error)) from None


def _read(call: Call, target: Path | None) -> dict[str, JSON]:
    version = {"VersionId": call.given.text("version_id")} if "version_id" in call.given else {}
    answer = call.client.get_object(Bucket=call.bucket, Key=call.key, **version)
    about = {
        "bucket": call.bucket,
        "key": call.key,
        "etag": str(answer.get("ETag", "")).strip('"'),
        "size": answer["ContentLength"],
        "content_type": answer.get("ContentType", ""),
        "last_modified": answer["LastModified"].isoformat() if "LastModified" in answer else None,
    }
    if target:
        _save(answer["Body"], target)
        return {**about, "body": None, "json": None, "path": str(target)}
    return {**about, **_content(call, answer["Body"], fitting.budget() - safe_json.size(about)), "path": None}


def _save(body: Any, target: Path) -> None:
    """Into a file beside it first: a reader never sees half an object."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=work_folder.PRIVATE)
    partial = target.with_name(f".{target.name}.part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        while data := body.read(CHUNK):
            file.write(data)
    partial.replace(target)


def _content(call: Call, body: Any, room: int) -> dict[str, JSON]:
    data = body.read(room + 1)
    if len(data) > room:
        raise _needs_path(call, f"is larger than the {room:,} bytes that a step can store")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _needs_path(call, "is no UTF-8 text") from None
    content: dict[str, JSON] = {"body": safe_json.clean(text), "json": _parsed(text)}
    if safe_json.size(content) > room:
        content["body" if content["json"] is not None else "json"] = None
    if safe_json.size(content) > room:
        raise _needs_path(call, f"takes more than the {room:,} bytes that a step can store")
    return content


def _needs_path(call: Call, why: str) -> ToolError:
    return ToolError(f"{NAME}: {call.where} {why}; give path to have it in a file.", permanent=True)


def _parsed(text: str) -> JSON:
    try:
        return safe_json.clean(json.loads(text))
    except (ValueError, RecursionError):
        return None


TOOL = Tool(NAME, run, positional=("bucket", "key"))
