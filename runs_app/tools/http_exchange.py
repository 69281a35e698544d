"""Sending a request, following its redirects, reading as much of the answer as a step may keep."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import httpcore
import httpx
from django.conf import settings

from runs_app.tools.base import ToolContext
from runs_app.tools.deadline import Deadline, TimedOut
from runs_app.tools.http_arguments import SCHEMES, Wanted, is_own_api, origin
from runs_app.tools.pinned import Transport

REDIRECTS = 10
KEPT_ELSEWHERE = {
    "accept",
    "accept-encoding",
    "content-type",
    "content-length",
    "host",
    "idempotency-key",
    "user-agent",
}
CONNECTION = (
    *(httpx.HTTPError, httpx.InvalidURL, TimedOut, zlib.error),
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException),
)


class Failure(Exception):
    """No answer came. `permanent` where another attempt would meet the same."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Answer:
    response: httpx.Response
    body: bytes
    truncated: bool


def exchange(wanted: Wanted, context: ToolContext, deadline: Deadline) -> Answer:
    """The answer at the end of the redirects.

    Raises:
        Failure: no connection, no answer within the deadline, no HTTP, too many redirects.
        ToolError: the host, or one that a redirect names, may not be called.
    """
    try:
        with httpx.Client(transport=Transport(context, deadline), trust_env=False) as client:
            return _follow(client, wanted)
    except CONNECTION as error:
        raise Failure(str(error) or type(error).__name__) from None


def _follow(client: httpx.Client, wanted: Wanted) -> Answer:
    request = wanted.request
    for _ in range(REDIRECTS + 1):
        response = client.send(request, stream=True)
        try:
            following = response.next_request if wanted.follow else None
            if following is None:
                return Answer(response, *_read(response, int(settings.HIGHWAY_STEP_OUTPUT_BYTES)))
            request = _redirected(request, following, wanted.with_token)
        finally:
            response.close()
    raise Failure(f"more than {REDIRECTS} redirects; the last led to {request.url}", permanent=True)


def _redirected(before: httpx.Request, after: httpx.Request, with_token: bool) -> httpx.Request:
    """The next request, without what was meant for the first host only."""
    if after.url.scheme not in SCHEMES or not after.url.host:
        raise Failure(f"redirected to {after.url}, which is neither http nor https", permanent=True)
    if not _stays(before.url, after.url):
        for name in [name for name in after.headers if name.lower() not in KEPT_ELSEWHERE]:
            del after.headers[name]
    if with_token and not is_own_api(after.url):
        after.headers.pop("authorization", None)
    return after


def _stays(before: httpx.URL, after: httpx.URL) -> bool:
    """Same origin, or the same host's step up from http to https."""
    upgrade = origin(before)[0::2] == ("http", 80) and origin(after)[0::2] == ("https", 443)
    return origin(before) == origin(after) or (before.host == after.host and upgrade)


def _read(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    """The first `most` bytes of the decoded body, and whether there was more. No chunk is inflated beyond that."""
    inflate = _inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    for chunk in response.iter_raw():
        body += inflate(chunk, most + 1 - len(body))
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False


def _inflater(coding: str) -> Callable[[bytes, int], bytes]:
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return lambda chunk, room: chunk
    if coding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47).decompress  # 32 + 15: gzip or zlib, as its header says
    raise Failure(f"the answer has Content-Encoding {coding[:50]}, but only gzip was asked for")
