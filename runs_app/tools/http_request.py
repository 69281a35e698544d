"""tools.http.request: one HTTP call, within one deadline, to public hosts and those the tenant is allowed."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from runs_app.tools import fitting, http_arguments
from runs_app.tools.arguments import Given, time_limit
from runs_app.tools.base import Arguments, Tool, ToolContext, ToolError
from runs_app.tools.deadline import Deadline
from runs_app.tools.http_arguments import Wanted
from runs_app.tools.http_exchange import Answer, Failure, exchange

NAME = "tools.http.request"
SECONDS = 30.0
LONGEST_URL = 4096
CHARSETS = re.compile(
    r"utf-?(8|16|32)([-_]?[lb]e)?|us-ascii|ascii|iso-?8859-\d+|latin-?\d|windows-125\d|cp125\d|koi8-[ru]"
    r"|gb2312|gbk|gb18030|big5|euc-(jp|kr)|shift_jis|iso-2022-jp",
    re.IGNORECASE,
)


def run(arguments: Arguments, context: ToolContext) -> JSON:
    """url, method, headers, params, json/json_data/body/form, timeout, check, expect_status, follow_redirects →
    {status_code, ok, headers, response (parsed JSON or text), body (text), error, url, duration_ms}.

    A status of 400 and more, or one that `expect_status` does not list, is not ok; without an answer `status_code` is
    null and `error` says why. Both fail the step unless `check` says, or the definition shows, that they are data.
    A step runs at least once, so each call carries the step's key as Idempotency-Key.
    """
    given = Given(NAME, arguments, http_arguments.KNOWN)
    wanted, checked = http_arguments.read(given, context), given.checked(context)
    deadline = Deadline(time_limit(given.seconds("timeout"), context, SECONDS))
    started, permanent = time.monotonic(), False
    try:
        output = _answered(wanted, exchange(wanted, context, deadline))
        permanent = output["status_code"] < 500 and output["status_code"] != 429
    except Failure as failure:
        if context.cancelled.is_set():
            raise ToolError(f"{NAME}: cancelled; the connection was closed.") from None
        output, permanent = _unanswered(wanted, str(failure)), failure.permanent
    output["duration_ms"] = round((time.monotonic() - started) * 1000)
    context.log(f"{_story(wanted, output)} ({output['duration_ms']} ms)\n")
    if checked and not output["ok"]:
        raise ToolError(f"{NAME}: {_story(wanted, output)}{_excerpt(output)}", permanent=permanent, output=output)
    return output


def _answered(wanted: Wanted, answer: Answer) -> dict[str, Any]:
    response, status = answer.response, answer.response.status_code
    ok = wanted.expected(status)
    output: dict[str, Any] = {
        "status_code": status,
        "ok": ok,
        "headers": _headers(response.headers),
        "url": _shown(response.request.url),
        "error": None if ok else f"{status} {response.reason_phrase}".strip(),
    }
    room = fitting.budget() - safe_json.size(output)
    return {**output, **_body(answer, max(room, 0))}


def _unanswered(wanted: Wanted, error: str) -> dict[str, Any]:
    url = _shown(wanted.request.url)
    nothing: dict[str, Any] = {"status_code": None, "ok": False, "headers": {}, "response": None, "body": ""}
    return {**nothing, "url": url, "error": str(safe_json.clean(error))[:2000]}


def _body(answer: Answer, room: int) -> dict[str, JSON]:
    """`response` and `body` together within `room` bytes; where not both fit, the parsed form goes first."""
    text = _text(answer)
    response = text if answer.truncated else _parsed(text, answer.response.headers.get("content-type", ""))
    if isinstance(response, str) or (parsed := safe_json.size(response)) > room:
        text, cut = fitting.beginning(text, room // 2, more=answer.truncated)
        response = text
    else:
        text, cut = fitting.beginning(text, room - parsed)
    return {"response": response, "body": text, **({"truncated": True} if cut else {})}


def _text(answer: Answer) -> str:
    """The body as text by its declared charset, of those that decode in linear time; else as UTF-8."""
    charset = answer.response.charset_encoding or ""
    return str(safe_json.clean(answer.body.decode(charset if CHARSETS.fullmatch(charset) else "utf-8", "replace")))


def _parsed(text: str, content_type: str) -> JSON:
    """JSON where the answer says so or looks like an object or a list, else the text."""
    if "json" not in content_type.lower() and text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return safe_json.clean(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _headers(headers: httpx.Headers) -> dict[str, str]:
    """Lower-case names; repeated ones joined. At most a quarter of what a step may store."""
    kept: dict[str, str] = {}
    room = fitting.budget() // 4
    for name, value in headers.items():
        room -= safe_json.size(name) + safe_json.size(safe_json.clean(value))
        if room < 0:
            break
        kept[name.lower()] = str(safe_json.clean(value))
    return kept


def _shown(url: httpx.URL) -> str:
    """Without the user name and password that a URL may carry."""
    return fitting.beginning(str(url.copy_with(userinfo=b"")), LONGEST_URL)[0]


def _story(wanted: Wanted, output: dict[str, Any]) -> str:
    what = f"{wanted.request.method} {_shown(wanted.request.url)}"
    if output["status_code"] is None:
        return f"{what} failed: {output['error']}"
    moved = "" if output["url"] == _shown(wanted.request.url) else f" from {output['url']}"
    expected = "" if output["ok"] or output["status_code"] >= 400 else ", which expect_status does not list"
    return f"{what} answered {output['error'] or output['status_code']}{moved}{expected}"


def _excerpt(output: dict[str, Any]) -> str:
    text = " ".join(output["body"].split())[:300]
    return f": {text}" if text else ""


TOOL = Tool(NAME, run, positional=("url", "method"), bind={"url": "url", "headers": "headers"})
