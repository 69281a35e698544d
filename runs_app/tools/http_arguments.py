"""The arguments of tools.http.request, read into a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from runs_app.tools.arguments import Given
from runs_app.tools.base import ToolContext

KNOWN = (
    *("url", "method", "headers", "params", "json", "json_data", "body", "form"),
    *("timeout", "check", "expect_status", "follow_redirects", "allow_internal"),
)
BODIES = ("json", "json_data", "body", "form")
SCHEMES = ("http", "https")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
FRAMING = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
EXPECTED = re.compile(r"(\d)xx|(\d{3})(?:\s*-\s*(\d{3}))?")
API = "/api/v1/"


@dataclass(frozen=True)
class Wanted:
    """`with_token` says that the request carries the step's viewer token, which must not go anywhere else."""

    request: httpx.Request
    follow: bool
    expected: Callable[[int], bool]
    with_token: bool


def read(given: Given, context: ToolContext) -> Wanted:
    """Raises ToolError naming the wrong argument."""
    url, headers = _url(given), _headers(given)
    with_token = is_own_api(url) and "authorization" not in headers and not url.userinfo
    if with_token:
        headers["authorization"] = f"Bearer {context.viewer_token()}"
    headers.setdefault("idempotency-key", context.step_key)
    content = _content(given)
    if given.flag("allow_internal", False):
        context.log("allow_internal has no effect here: a superuser allows hosts in the tenant's http_allow.\n")
    request = httpx.Request(_method(given), url, headers=_encoded(headers), **content)
    return Wanted(request, given.flag("follow_redirects", True), _expected(given), with_token)


def is_own_api(url: httpx.URL) -> bool:
    """Whether the URL is this deployment's own API: scheme, host and port of HIGHWAY_BASE_URL, under /api/v1/."""
    base = httpx.URL(settings.HIGHWAY_BASE_URL)
    return origin(url) == origin(base) and url.path.startswith(API) and ".." not in url.path


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _url(given: Given) -> httpx.URL:
    text = given.as_text("url", given.required("url")).strip()
    try:
        url = httpx.URL(text)
        params = given.mapping("params")
        found = {
            str(name): _scalars(given, f"params.{name}", value) for name, value in params.items() if value is not None
        }
        url = url.copy_merge_params(found) if found else url
    except httpx.InvalidURL as error:
        raise given.refusal("url", f"is wrong: {error}") from None
    if url.scheme not in SCHEMES or not url.host:
        raise given.refusal("url", f"must start with http:// or https:// and name a host, not {text[:200]!r}")
    if url.port is not None and not 0 < url.port < 65_536:
        raise given.refusal("url", f"is wrong: there is no port {url.port}")
    return url


def _method(given: Given) -> str:
    method = given.text("method", "GET").strip().upper()
    if not re.fullmatch(r"[A-Z]{1,20}", method) or method == "CONNECT":
        raise given.refusal("method", f"must be one such as GET or POST, not {method[:30]!r}")
    return method


def _headers(given: Given) -> dict[str, str]:
    """By lower-case name. What could end a header line, or a message, early is refused."""
    headers = {"user-agent": "highway-automation", "accept": "*/*", "accept-encoding": "gzip"}
    for name, value in given.texts("headers").items():
        if not HEADER_NAME.fullmatch(name):
            raise given.refusal(f"headers.{name!r}", "is no header name; use letters, digits and -")
        if name.lower() in FRAMING:
            raise given.refusal(f"headers.{name}", "is set by the tool; leave it out")
        if CONTROL.search(value):
            raise given.refusal(f"headers.{name}", "may not hold line breaks or control characters")
        headers[name.lower()] = value.strip()
    return headers


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.title().encode(), value.encode()) for name, value in headers.items()]


def _content(given: Given) -> dict[str, Any]:
    """What httpx.Request is told about the body."""
    names = [name for name in BODIES if name in given]
    if len(names) > 1:
        raise given.refusal(names[1], f"and {names[0]} are both given; one body is possible")
    if not names:
        return {}
    value = given.value(names[0])
    if names[0] == "form":
        fields = given.mapping("form").items()
        return {"data": {str(name): _scalars(given, f"form.{name}", item) for name, item in fields if item is not None}}
    if names[0] == "body" and not isinstance(value, dict | list):
        return {"content": given.as_text("body", value).encode()}
    return {"json": value}


def _scalars(given: Given, name: str, value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [given.as_text(name, item) for item in value]
    return given.as_text(name, value)


def _expected(given: Given) -> Callable[[int], bool]:
    """Whether a status is a success: below 400, or what `expect_status` lists (201, "2xx", "200-204", a list)."""
    if "expect_status" not in given:
        return lambda status: status < 400
    value = given.value("expect_status")
    entries = value if isinstance(value, list) else str(value).split(",")
    ranges = [_range(given, str(entry).strip().lower()) for entry in entries]
    return lambda status: any(first <= status <= last for first, last in ranges)


def _range(given: Given, text: str) -> tuple[int, int]:
    match = EXPECTED.fullmatch(text)
    if not match:
        raise given.refusal("expect_status", f'must be a status, "2xx", "200-204" or a list of these, not {text!r}')
    if match[1]:
        return int(match[1]) * 100, int(match[1]) * 100 + 99
    return int(match[2]), int(match[3] or match[2])
