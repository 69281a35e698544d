"""Loaded by Schemathesis: among invented values it also sends ids that exist and definitions that are valid.

What is replaced follows from the invented value itself, so that a seed repeats.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))
PREFIX = "/api/v1/"
SENSIBLE = {"cron_expression": "0 4 * * 1", "timezone": "Europe/Berlin", "type": "fuzzed", "event_type": "fuzzed"}


def dice(value: Any, sides: int) -> int:
    return zlib.crc32(repr(value).encode("utf-8", "backslashreplace")) % sides


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Two of three times an object that exists; to be deleted, one of eight."""
    if not path_parameters:
        return path_parameters
    operation = context.operation
    words = operation.path.removeprefix(PREFIX).removeprefix("admin/").split("/")
    ids = KNOWN.get("definitions" if "definitions" in words else words[0], [])
    for name, value in path_parameters.items():
        often = dice(value, 8) == 0 if operation.method.upper() == "DELETE" else dice(value, 3) > 0
        if ids and often and name not in {"number", "version", "hash"}:
            path_parameters[name] = ids[dice([value], len(ids))]
    return path_parameters


@schemathesis.hook
def map_headers(context: Any, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """An invented tenant is refused at once: seldom worth a request."""
    tenant = next((name for name in headers or () if name.lower() == "x-tenant"), None)
    if headers and tenant and dice(headers[tenant], 10):
        del headers[tenant]
    return headers


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Half of the bodies hold something valid where chance alone would never find it."""
    if not isinstance(body, dict) or not KNOWN or dice(sorted(map(str, body)), 2):
        return body
    for name in body:
        if name in {"workflow_definition", "definition"}:
            body[name] = KNOWN["definition"]
        elif name == "template":
            body[name] = KNOWN["templates"][dice(body, len(KNOWN["templates"]))]
        elif name in SENSIBLE:
            body[name] = SENSIBLE[name]
    return body
