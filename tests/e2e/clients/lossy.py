"""A server between a client and the product that hands on the first submission and loses its answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

HANDED_ON = ("Authorization", "Content-Type", "X-Idempotency-Key")


class Lossy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, product: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.product = product
        self.submitted: list[tuple[str, dict[str, Any]]] = []
        """The idempotency key of every submission, and what the product answered to it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Lossy

    def do_GET(self) -> None:
        self.hand_on("GET", b"")

    def do_POST(self) -> None:
        self.hand_on("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def hand_on(self, method: str, body: bytes) -> None:
        headers = {name: self.headers[name] for name in HANDED_ON if name in self.headers}
        answer = httpx.request(method, f"{self.server.product}{self.path}", content=body, headers=headers, timeout=30)
        if method == "GET":
            return self.reply(answer.status_code, answer.content)
        self.server.submitted.append((self.headers["X-Idempotency-Key"], answer.json()))
        if len(self.server.submitted) == 1:
            return self.reply(500, b"lost")
        return self.reply(answer.status_code, answer.content)

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests look at what arrived, not at a log."""


@contextlib.contextmanager
def lossy(product: str) -> Iterator[Lossy]:
    with Lossy(product) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
