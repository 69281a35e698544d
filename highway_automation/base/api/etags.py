from __future__ import annotations

import hashlib
import json

from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from highway_automation.base.errors import HighwayError
from highway_automation.base.safe_json import JSON


class PreconditionFailed(HighwayError):
    status_code, code, title = 412, "PRECONDITION_FAILED", "Changed meanwhile"


def etag_of(representation: JSON) -> str:
    """A strong validator of what the API answers for an object."""
    text = json.dumps(representation, cls=JSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


def names(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header names this tag (weakly compared: proxies add `W/`)."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags


def refuse_stale(request: Request, representation: JSON) -> None:
    """Raises PreconditionFailed (412) when `If-Match` is sent and names another state of the object."""
    header = request.headers.get("If-Match")
    if header is not None and not names(header, etag_of(representation)):
        raise PreconditionFailed("It has changed since you read it: read it again, then decide.")
