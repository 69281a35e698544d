"""An httpx transport that connects only to addresses that egress has checked, under one deadline, until cancelled.

Every connection goes through `Backend.connect_tcp`, so a redirect is checked like the first request, and no name is
resolved twice: the address that was checked is the address that is used, while Host and TLS keep the name.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from runs_app.tools import egress
from runs_app.tools.base import ToolContext
from runs_app.tools.deadline import Deadline, TimedOut

READ = 16 * 1024
PER_ADDRESS = 10.0
"""Seconds after which the next address of the host is tried."""


class Stream(httpcore.NetworkStream):
    """A connection whose every operation gets only what is left of the deadline. `release` runs on closing."""

    def __init__(self, sock: socket.socket, deadline: Deadline, release: Callable[[], None]) -> None:
        self.sock, self.deadline, self.release = sock, deadline, release

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._errors(httpcore.ReadError):
            return self.sock.recv(min(max_bytes, READ))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            with self._errors(httpcore.WriteError):
                rest = rest[self.sock.send(rest[: 4 * READ]) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with self._errors(httpcore.ConnectError):
                secured = ssl_context.wrap_socket(self.sock, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return Stream(secured, self.deadline, self.release)

    def get_extra_info(self, info: str) -> Any:
        return self.sock if info == "ssl_object" and isinstance(self.sock, ssl.SSLSocket) else None

    def close(self) -> None:
        self.sock.close()
        self.release()

    @contextlib.contextmanager
    def _errors(self, kind: type[Exception]) -> Iterator[None]:
        self.sock.settimeout(self.deadline.left())
        try:
            yield
        except TimeoutError:
            raise TimedOut(f"timed out after {self.deadline.seconds:g} s") from None
        except OSError as error:
            raise kind(str(error)) from error


class Backend(httpcore.NetworkBackend):
    """Opens connections for one call of one step."""

    def __init__(self, context: ToolContext, deadline: Deadline) -> None:
        self.context, self.deadline = context, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = egress.addresses(host, port, self.context.http_allow, self.deadline, self.context)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        failure: OSError | None = None
        for number, entry in enumerate(found, 1):
            try:
                return self._connect(entry, last=number == len(found))
            except OSError as error:
                failure = error
        self.deadline.left()
        raise httpcore.ConnectError(f"{egress.spelled(host, port)}: {failure or 'no address'}")

    def _connect(self, entry: egress.Found, last: bool) -> Stream:
        sock = socket.socket(entry[0], entry[1], entry[2])
        release = self._killable(sock)
        try:
            left = self.deadline.left()
            sock.settimeout(left if last else min(left, PER_ADDRESS))
            sock.connect(entry[4])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            release()
            raise
        return Stream(sock, self.deadline, release)

    def _killable(self, sock: socket.socket) -> Callable[[], None]:
        """Have cancel shut the connection down, which wakes whoever reads or writes; returns how to undo it.

        A twin descriptor stays usable when TLS takes the socket over.
        """
        twin = sock.dup()

        def kill() -> None:
            with contextlib.suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

        forget = self.context.on_cancel(kill)

        def release() -> None:
            forget()
            twin.close()

        return release


class Transport(httpx.BaseTransport):
    """Hands httpx's requests to httpcore over our Backend. No proxy, no pool shared with other calls."""

    def __init__(self, context: ToolContext, deadline: Deadline) -> None:
        backend = Backend(context, deadline)
        self.pool = httpcore.ConnectionPool(ssl_context=tls(), network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self.pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self.pool.close()


class Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self.answer.iter_stream()

    def close(self) -> None:
        self.answer.close()


@functools.cache
def tls() -> ssl.SSLContext:
    """Certificates are verified, always; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities."""
    return httpx.create_ssl_context()
