from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import Settings

from runs_app.tools import ToolContext, ToolError

from .context import RUN_ID, Log, call, context
from .servers import Handler, Site

HTTP = "tools.http.request"


def allowed(site: Site, **fields: Any) -> ToolContext:
    return context(http_allow=(site.here,), **fields)


def refused(given: ToolContext | None = None, /, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(HTTP, given, **arguments)
    return caught.value


def test_a_json_answer_is_parsed(site: Site) -> None:
    log = Log()
    url = site.answer("/user", '{"has_logged_in": false}', Content_Type="application/json", X_Trace="7")
    output = call(HTTP, allowed(site, log=log), url=url)
    assert output["status_code"] == 200 and output["ok"] is True and output["error"] is None
    assert output["response"] == {"has_logged_in": False}
    assert output["body"] == '{"has_logged_in": false}'
    assert output["headers"]["x-trace"] == "7"
    assert output["url"] == url
    assert output["duration_ms"] >= 0 and "truncated" not in output
    assert log.text.startswith(f"GET {url} answered 200 (")


@pytest.mark.parametrize(
    ("body", "content_type", "response"),
    [
        ("plain", "text/plain", "plain"),
        ("12", "text/plain", "12"),
        ("12", "application/json", 12),
        ('[{"a": 1}]', "text/html", [{"a": 1}]),
        ("{broken", "application/json", "{broken"),
        ("", "application/json", ""),
        ('{"a": "x\\u0000y", "n": NaN}', "application/problem+json", {"a": "x�y", "n": None}),
        ("[" * 100_000, "application/json", "[" * 100_000),
        ("a\0b", "text/plain", "a�b"),
    ],
)
def test_the_response_is_json_or_text(site: Site, body: str, content_type: str, response: Any) -> None:
    output = call(HTTP, allowed(site), url=site.answer("/", body, Content_Type=content_type))
    assert output["response"] == response


def test_text_is_decoded_by_its_charset(site: Site) -> None:
    latin = site.answer("/latin", "grün".encode("latin-1"), Content_Type="text/plain; charset=ISO-8859-1")
    assert call(HTTP, allowed(site), url=latin)["body"] == "grün"
    odd = site.answer("/odd", "grün", Content_Type="text/plain; charset=punycode")
    assert call(HTTP, allowed(site), url=odd)["body"] == "grün"
    assert call(HTTP, allowed(site), url=site.answer("/binary", b"\xff\xfe\x00ok"))["body"] == "\ufffd\ufffd\ufffdok"


def test_what_is_sent(site: Site) -> None:
    url = site.answer("/orders?page=1&size=5")
    site.answer("/orders")
    call(
        HTTP,
        allowed(site),
        url=url,
        method="post",
        params={"page": 2, "tag": ["a b", "c&d"]},
        headers={"X-Team": "ops"},
        json={"n": 1},
    )
    [request] = site.received
    assert request.method == "POST"
    assert request.path == "/orders?page=2&size=5&tag=a+b&tag=c%26d"
    assert json.loads(request.body) == {"n": 1}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-team"] == "ops"
    assert request.headers["host"] == site.here
    assert request.headers["idempotency-key"] == f"{RUN_ID}:backup"


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        ({"json_data": ["ä"]}, '["ä"]', "application/json"),
        ({"body": {"a": 1}}, '{"a":1}', "application/json"),
        ({"body": "raw ü", "headers": {"content-type": "text/csv"}}, "raw ü", "text/csv"),
        ({"form": {"a": "1 2", "b": [3, "&"]}}, "a=1+2&b=3&b=%26", "application/x-www-form-urlencoded"),
        ({}, "", ""),
    ],
)
def test_bodies(site: Site, arguments: dict[str, Any], body: str, content_type: str) -> None:
    call(HTTP, allowed(site), url=site.answer("/"), method="PUT", **arguments)
    [request] = site.received
    assert request.body.decode() == body
    assert request.headers.get("content-type", "") == content_type


def test_a_given_idempotency_key_is_kept(site: Site) -> None:
    call(HTTP, allowed(site), url=site.answer("/"), headers={"IDEMPOTENCY-KEY": "mine"})
    assert site.received[0].headers["idempotency-key"] == "mine"


def test_credentials_in_the_url_are_used_but_not_shown(site: Site) -> None:
    log = Log()
    url = site.answer("/").replace("http://", "http://me:hidden@")
    output = call(HTTP, allowed(site, log=log), url=url)
    assert site.received[0].headers["authorization"].startswith("Basic ")
    assert "hidden" not in json.dumps(output) + log.text


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (422, True), (429, False), (500, False), (503, False)])
def test_a_bad_status_fails_the_step_and_keeps_the_answer(site: Site, status: int, permanent: bool) -> None:
    url = site.answer("/", '{"reason": "because"}', status=status)
    error = refused(allowed(site), url=url)
    assert error.permanent is permanent
    assert f"GET {url} answered {status}" in error.message and "because" in error.message
    assert error.output["status_code"] == status and error.output["response"] == {"reason": "because"}


@pytest.mark.parametrize(("check", "read_by_the_definition"), [("auto", True), (False, False)])
def test_a_bad_status_that_is_read_is_data(site: Site, check: Any, read_by_the_definition: bool) -> None:
    output = call(HTTP, allowed(site, check_auto=read_by_the_definition), url=site.answer("/", status=503), check=check)
    assert output["ok"] is False and output["status_code"] == 503
    assert output["error"] == "503 Service Unavailable"


@pytest.mark.parametrize("expect", [404, "404", [200, "404"], "4xx", "400-410", "201, 404"])
def test_expect_status_says_what_is_ok(site: Site, expect: Any) -> None:
    assert call(HTTP, allowed(site), url=site.url("/missing"), expect_status=expect)["ok"] is True


def test_an_unexpected_success_fails(site: Site) -> None:
    error = refused(allowed(site), url=site.answer("/"), expect_status=201)
    assert error.permanent and "expect_status" in error.message
    assert call(HTTP, allowed(site), url=site.url("/"), expect_status=201, check=False)["error"] == "200 OK"


def test_no_connection_is_retryable_or_data(free_port: int) -> None:
    here = f"127.0.0.1:{free_port}"
    error = refused(context(http_allow=(here,)), url=f"http://{here}/")
    assert not error.permanent and "refused" in error.message.lower()
    output = call(HTTP, context(http_allow=(here,), check_auto=True), url=f"http://{here}/")
    assert output == {
        "status_code": None, "ok": False, "headers": {}, "response": None, "body": "", "url": f"http://{here}/",
        "error": output["error"], "duration_ms": output["duration_ms"],
    }  # fmt: skip
    assert "refused" in output["error"].lower()


def test_an_unknown_host_is_a_failed_connection() -> None:
    output = call(HTTP, context(check_auto=True), url="http://no-such-host.invalid/")
    assert output["ok"] is False and "no-such-host.invalid" in output["error"]


def test_what_is_no_http_is_a_failed_connection(site: Site) -> None:
    def greet(handler: Handler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    url = site.on("/", greet)
    assert call(HTTP, allowed(site, check_auto=True), url=url)["status_code"] is None


def test_proxies_of_the_environment_are_not_used(site: Site, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    assert call(HTTP, allowed(site), url=site.answer("/"))["ok"] is True


def test_a_very_long_timeout_is_no_problem(site: Site) -> None:
    assert call(HTTP, allowed(site), url=site.answer("/"), timeout="365d")["ok"] is True


def test_head_has_no_body(site: Site) -> None:
    assert call(HTTP, allowed(site), url=site.url("/"), method="HEAD")["body"] == ""


class TestOwnApi:
    """The deployment's own API gets the step's viewer token; nobody else does."""

    @pytest.fixture(autouse=True)
    def _base_url(self, site: Site, settings: Settings) -> None:
        settings.HIGHWAY_BASE_URL = site.url("")

    def authorization(self, site: Site, url: str, *others: Site, **arguments: Any) -> str | None:
        hosts = tuple(known.here for known in (site, *others))
        call(HTTP, context(http_allow=hosts, viewer_token=lambda: "viewer-7"), url=url, **arguments)
        return (others or (site,))[-1].received[-1].headers.get("authorization")

    def test_it_carries_the_token(self, site: Site) -> None:
        assert self.authorization(site, site.answer("/api/v1/users/a/last_login")) == "Bearer viewer-7"

    def test_other_paths_and_the_callers_own_do_not(self, site: Site) -> None:
        assert self.authorization(site, site.answer("/admin/")) is None
        assert self.authorization(site, site.answer("/x"), params={"next": "/api/v1/"}) is None
        site.answer("/api/v1/../../admin/")
        site.answer("/api/v1/%2e%2e/%2e%2e/admin/")
        assert self.authorization(site, site.url("/api/v1/%2e%2e/%2e%2e/admin/")) is None
        assert (
            self.authorization(site, site.answer("/api/v1/x"), headers={"authorization": "Bearer mine"})
            == "Bearer mine"
        )

    def test_other_hosts_and_ports_do_not(self, site: Site, other_site: Site) -> None:
        assert self.authorization(site, other_site.answer("/api/v1/x"), other_site) is None

    def test_a_redirect_within_the_api_keeps_it_and_any_other_drops_it(self, site: Site, other_site: Site) -> None:
        site.answer("/api/v1/there")
        assert self.authorization(site, site.redirect("/api/v1/here", "/api/v1/there")) == "Bearer viewer-7"
        site.answer("/admin/")
        assert self.authorization(site, site.redirect("/api/v1/out", "/admin/")) is None
        away = site.redirect("/api/v1/away", other_site.answer("/api/v1/x"))
        assert self.authorization(site, away, other_site) is None


class TestRedirects:
    def test_they_are_followed_and_can_be_left_alone(self, site: Site) -> None:
        site.answer("/new", "moved in")
        url = site.redirect("/old", "/new")
        assert call(HTTP, allowed(site), url=url)["body"] == "moved in"
        assert call(HTTP, allowed(site), url=url)["url"] == site.url("/new")
        output = call(HTTP, allowed(site), url=url, follow_redirects=False)
        assert output["status_code"] == 302 and output["ok"] is True and output["headers"]["location"] == "/new"

    def test_a_post_becomes_a_get_or_is_repeated(self, site: Site) -> None:
        site.answer("/done")
        call(HTTP, allowed(site), url=site.redirect("/see", "/done", 303), method="POST", json=[1])
        call(HTTP, allowed(site), url=site.redirect("/same", "/done", 307), method="POST", json=[1])
        assert [(entry.method, entry.body) for entry in site.received if entry.path == "/done"] == [
            ("GET", b""),
            ("POST", b"[1]"),
        ]

    def test_a_loop_ends(self, site: Site) -> None:
        error = refused(allowed(site), url=site.redirect("/loop", "/loop"))
        assert error.permanent and "more than 10 redirects" in error.message

    def test_what_was_meant_for_one_host_does_not_go_to_another(self, site: Site, other_site: Site) -> None:
        url = site.redirect("/", other_site.answer("/"))
        headers = {"Authorization": "Bearer x", "X-API-Key": "secret", "Cookie": "a=b", "Accept": "text/csv"}
        call(HTTP, context(http_allow=(site.here, other_site.here)), url=url, headers=headers)
        [received] = other_site.received
        assert not {"authorization", "x-api-key", "cookie"} & set(received.headers)
        assert received.headers["accept"] == "text/csv"

    def test_other_schemes_are_not_followed(self, site: Site) -> None:
        assert "neither http nor https" in refused(allowed(site), url=site.redirect("/", "file:///etc/passwd")).message


@pytest.mark.parametrize(
    ("arguments", "named", "cure"),
    [
        ({}, "url", "missing"),
        ({"url": "example.com/x"}, "url", "http://"),
        ({"url": "ftp://example.com/"}, "url", "http://"),
        ({"url": "http:///x"}, "url", "name a host"),
        ({"url": "http://example.com:99999999/"}, "url", "wrong"),
        ({"url": "http://x.example/", "method": "GET /admin"}, "method", "GET or POST"),
        ({"url": "http://x.example/", "method": "CONNECT"}, "method", "GET or POST"),
        ({"url": "http://x.example/", "headers": {"A": "b\r\nC: d"}}, "headers.A", "line breaks"),
        ({"url": "http://x.example/", "headers": {"A\r\nB": "c"}}, "headers.", "letters"),
        ({"url": "http://x.example/", "headers": {"Content-Length": "3"}}, "headers.Content-Length", "leave it out"),
        ({"url": "http://x.example/", "headers": {"A": ["b"]}}, "headers.A", "a text"),
        ({"url": "http://x.example/", "json": {}, "form": {}}, "form", "one body"),
        ({"url": "http://x.example/", "params": "a=b"}, "params", "object"),
        ({"url": "http://x.example/", "expect_status": "fine"}, "expect_status", "2xx"),
        ({"url": "http://x.example/", "timeout": "-1"}, "timeout", "negative"),
        ({"url": "http://x.example/", "follow_redirects": "perhaps"}, "follow_redirects", "true or false"),
        ({"url": "http://x.example/", "verify": False}, "verify", "not an argument"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], named: str, cure: str) -> None:
    error = refused(**arguments)
    assert error.permanent
    assert error.message.startswith(f"tools.http.request: {named}")
    assert cure in error.message
