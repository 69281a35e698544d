"""What a hostile URL, name server or HTTP server may try."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from runs_app.tools import ToolContext, ToolError, egress, pinned
from runs_app.tools.deadline import Deadline

from .context import call, context, in_thread
from .servers import Handler, Site, serving

HTTP = "tools.http.request"


def allowed(site: Site, **fields: Any) -> ToolContext:
    return context(http_allow=(site.here,), **fields)


def refused(given: ToolContext | None = None, /, **arguments: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(HTTP, given, **arguments)
    return caught.value


# Where a call may go ------------------------------------------------------------------------------------------------
NOT_PUBLIC = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "localhost", "0.0.0.0", "0",  # noqa: S104
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "２１３０７０６４３３", "①②⑦.⓪.⓪.①",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "[2001:db8::1]", "[2606:4700::5efe:7f00:1]",
]  # fmt: skip


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_addresses_that_are_not_public_are_refused(host: str, site: Site) -> None:
    error = refused(context(check_auto=True), url=f"http://{host}:{site.port}/", check=False)
    assert error.permanent or "cannot be resolved" in error.message
    assert site.received == []


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::2004"])
def test_public_addresses_are_not(address: str) -> None:
    assert egress.is_public(address)


def test_the_refusal_names_the_entry_that_would_allow_it(site: Site) -> None:
    message = refused(url=site.url("/")).message
    assert f'add exactly "{site.here}" to the tenant' in message


def test_an_entry_allows_exactly_what_it_spells(site: Site) -> None:
    given = context(http_allow=(f"localhost:{site.port}", f"127.0.0.1:{site.port + 1}"))
    assert call(HTTP, given, url=f"http://LOCALHOST:{site.port}/", check=False)["status_code"] == 404
    assert refused(given, url=site.url("/")).permanent


def test_a_definition_cannot_allow_itself(site: Site) -> None:
    assert refused(url=site.url("/"), allow_internal=True, check=False).permanent
    assert site.received == []


def test_a_public_name_with_a_private_address_is_refused(site: Site, names: dict[str, list[str]]) -> None:
    names["rebind.example"] = ["127.0.0.1", "::ffff:10.0.0.1"]
    assert refused(url=f"http://rebind.example:{site.port}/").permanent
    assert site.received == []


def test_only_the_public_addresses_of_a_name_are_used(names: dict[str, list[str]]) -> None:
    names["mixed.example"] = ["10.0.0.1", "93.184.216.34", "fd00::1"]
    found = egress.addresses("mixed.example", 80, (), Deadline(5), context())
    assert [entry[4] for entry in found] == [("93.184.216.34", 80)]


def test_the_checked_address_is_the_one_that_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return list(real("127.0.0.1" if len(asked) == 1 else "169.254.169.254", port, *args, **kwargs))

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = f"http://pinned.example:{site.port}/"
    site.answer("/")
    assert call(HTTP, context(http_allow=(f"pinned.example:{site.port}",)), url=url)["ok"] is True
    assert asked == ["pinned.example"]
    assert site.received[0].headers["host"] == f"pinned.example:{site.port}"


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "//localhost:{port}/",
    ],
)
def test_a_redirect_is_checked_like_the_first_url(site: Site, target: str) -> None:
    error = refused(allowed(site), url=site.redirect("/", target.format(port=site.port)), check=False)
    assert error.permanent and "not on the public internet" in error.message
    assert len(site.received) == 1


# TLS ----------------------------------------------------------------------------------------------------------------
@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server context for secure.example, whose authority the tool trusts while the test runs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.example")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), start, start + timedelta(36500)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("secure.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    pinned.tls.cache_clear()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    yield server
    pinned.tls.cache_clear()


def test_tls_verifies_the_name_although_the_address_is_pinned(
    certificate: ssl.SSLContext, names: dict[str, list[str]]
) -> None:
    names["secure.example"] = names["other.example"] = ["127.0.0.1"]
    asked: list[str | None] = []
    certificate.sni_callback = lambda sock, name, context: asked.append(name)
    with serving(certificate) as site:
        site.answer("/", "safe")
        given = context(http_allow=(f"secure.example:{site.port}", f"other.example:{site.port}"), check_auto=True)
        assert call(HTTP, given, url=f"https://secure.example:{site.port}/")["body"] == "safe"
        failed = call(HTTP, given, url=f"https://other.example:{site.port}/")
    assert asked == ["secure.example", "other.example"]
    assert failed["status_code"] is None and "certificate" in failed["error"].lower()


# Slow, big and twisted answers --------------------------------------------------------------------------------------
def drip(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    drip_raw(handler)


def drip_raw(handler: Handler) -> None:
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("script", [drip, drip_raw])
def test_a_drip_meets_the_total_deadline(site: Site, script: Any) -> None:
    error = refused(allowed(site), url=site.on("/", script), timeout=0.4)
    assert not error.permanent and "timed out after 0.4 s" in error.message
    assert error.output["status_code"] is None


def test_the_steps_timeout_is_the_deadline_too(site: Site) -> None:
    assert "timed out after 0.3 s" in refused(allowed(site, timeout=0.3), url=site.on("/", drip)).message


def test_a_drip_in_the_tls_handshake_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = f"127.0.0.1:{listener.getsockname()[1]}"
        in_thread(lambda: trickle(listener))
        error = refused(context(http_allow=(here,)), url=f"https://{here}/", timeout=0.4)
    assert "timed out after 0.4 s" in error.message


def trickle(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a handshake record of 16 KiB, sent byte by byte
        while True:
            connection.sendall(b"\x02")
            time.sleep(0.02)


def test_a_name_server_that_hangs_meets_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: end.wait(30) and [])
    assert "not resolved in time" in refused(url="http://slow.example/", timeout=0.3).message
    end.set()


def test_a_big_body_is_cut_and_the_rest_never_read(site: Site) -> None:
    sent = 0

    def pour(handler: Handler) -> None:
        nonlocal sent
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        while sent < 50_000_000:
            handler.wfile.write(b"0123456789" * 10_000)
            sent += 100_000

    output = call(HTTP, allowed(site), url=site.on("/", pour))
    assert output["ok"] is True and output["truncated"] is True
    assert output["body"].startswith("0123456789") and output["body"].endswith("[… truncated …]")
    assert len(json.dumps(output, ensure_ascii=False).encode()) <= 256 * 1024
    assert sent < 50_000_000


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_cut(site: Site, coding: str) -> None:
    import zlib

    data = b"\0" * 60_000_000
    packed = gzip.compress(data) if coding == "gzip" else zlib.compress(data)
    output = call(HTTP, allowed(site), url=site.answer("/", packed, Content_Encoding=coding))
    assert output["truncated"] is True
    assert len(json.dumps(output, ensure_ascii=False).encode()) <= 256 * 1024


def test_gzip_is_unpacked_and_broken_or_unknown_codings_are_failures(site: Site) -> None:
    packed = gzip.compress(b'{"a": 1}')
    assert call(HTTP, allowed(site), url=site.answer("/", packed, Content_Encoding="gzip"))["response"] == {"a": 1}
    data = allowed(site, check_auto=True)
    assert call(HTTP, data, url=site.answer("/broken", b"no gzip", Content_Encoding="gzip"))["status_code"] is None
    assert "br" in call(HTTP, data, url=site.answer("/br", b"??", Content_Encoding="br"))["error"]
    twice = site.answer("/twice", gzip.compress(packed), Content_Encoding="gzip, gzip")
    assert "gzip, gzip" in call(HTTP, data, url=twice)["error"]


def test_big_json_keeps_its_parsed_form(site: Site, settings: Settings) -> None:
    settings.HIGHWAY_STEP_OUTPUT_BYTES = 10_000
    rows = [{"n": number} for number in range(600)]
    output = call(HTTP, allowed(site), url=site.answer("/", json.dumps(rows), Content_Type="application/json"))
    assert output["response"] == rows
    assert output["truncated"] is True and output["body"].endswith("[… truncated …]")
    assert len(json.dumps(output, ensure_ascii=False, separators=(",", ":")).encode()) <= 10_000


def test_many_headers_are_cut(site: Site, settings: Settings) -> None:
    settings.HIGHWAY_STEP_OUTPUT_BYTES = 10_000
    headers = {f"X-{number}": "y" * 100 for number in range(90)}
    url = site.on("/", lambda handler: handler.reply(b"x" * 9_000, 200, headers))
    output = call(HTTP, allowed(site), url=url)
    assert len(json.dumps(output, ensure_ascii=False).encode()) <= 10_000


# Cancel -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("script", [drip, lambda handler: hang(handler)])
def test_cancel_closes_the_connection(site: Site, script: Any) -> None:
    begun, given = threading.Event(), allowed(site, check_auto=True)

    def begin(handler: Handler) -> None:
        begun.set()
        script(handler)

    url = site.on("/", begin)
    errors: list[ToolError] = []
    thread = in_thread(lambda: errors.append(refused(given, url=url, timeout="1h")))
    assert begun.wait(10)
    given.cancel()
    thread.join(10)
    assert "cancelled" in errors[0].message


def hang(handler: Handler) -> None:
    handler.connection.recv(1)  # returns when the client hangs up


def test_cancel_does_not_wait_for_the_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, end, given = threading.Event(), threading.Event(), context()

    def hanging(*args: Any, **kwargs: Any) -> list[Any]:
        asked.set()
        end.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    errors: list[ToolError] = []
    thread = in_thread(lambda: errors.append(refused(given, url="http://slow.example/", timeout="1h")))
    assert asked.wait(10)
    given.cancel()
    thread.join(10)
    end.set()
    assert "cancelled" in errors[0].message
